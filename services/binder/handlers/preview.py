"""What a launch opens, to look at while one waits: a page of its own, for a frame in ours."""

from __future__ import annotations

from hpcbinderhub.launches.preview import preview

from .launches import OwnLaunch
from .pages import PageHandler

# What is shown is a stranger's: no scripts, no forms, nothing loaded, and an origin of its own, so
# that it is nobody here. The style is the page's own.
POLICY = "; ".join(
    (
        "sandbox allow-popups allow-popups-to-escape-sandbox",
        "default-src 'none'",
        "img-src data:",
        "style-src 'unsafe-inline'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'self'",
    )
)
KEPT_SECONDS = 600


class PreviewPage(OwnLaunch, PageHandler):
    """GET: the page. HEAD: whether there is one."""

    async def get(self, launch_id: str) -> None:
        """See the class."""
        shown = await preview(self.services.content, await self.own(launch_id))
        self.set_header("Content-Security-Policy", POLICY)
        self.set_header("Cache-Control", f"private, max-age={KEPT_SECONDS}")
        # Whoever uses the browser after her has other cookies.
        self.add_header("Vary", "Cookie")
        theme = "dark" if self.get_query_argument("theme", "") == "dark" else "light"
        self.render_page("preview.html", preview=shown, theme=theme)

    async def head(self, launch_id: str) -> None:
        """See the class."""
        await self.get(launch_id)
