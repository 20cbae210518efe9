"""A stranger's Markdown as HTML that does nothing.

HTML in it stays text, its pictures are not loaded, and its links open elsewhere or not at all.
"""

from __future__ import annotations

from collections.abc import Sequence

from markdown_it import MarkdownIt
from markdown_it.common.utils import escapeHtml
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict


class _Renderer(RendererHTML):
    """Changes what could reach out. Its methods are named after Markdown's tokens."""

    def link_open(
        self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType
    ) -> str:
        """A link elsewhere opens a tab that knows nothing of this one. One into the repository
        would lead nowhere."""
        token = tokens[idx]
        target = str(token.attrGet("href"))
        token.attrs = {}
        if target.startswith(("http://", "https://")):
            token.attrs = {"href": target, "rel": "noopener noreferrer", "target": "_blank"}
        return self.renderToken(tokens, idx, options, env)

    def image(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        """The words about a picture: loading it would tell another site who looks."""
        words = self.renderInlineAsText(tokens[idx].children, options, env)
        return f"<em>{escapeHtml(words)}</em>"


_MARKDOWN = MarkdownIt("commonmark", {"html": False}, renderer_cls=_Renderer).enable("table")


def to_html(text: str) -> str:
    """Markdown as HTML."""
    html: str = _MARKDOWN.render(text)
    return html
