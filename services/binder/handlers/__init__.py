"""What is served where."""

from __future__ import annotations

from typing import Any

from jupyterhub.services.auth import HubOAuthCallbackHandler

from . import builds, content, health, launches, pages, servers, workers


def routes(prefix: str) -> list[tuple[str, Any]]:
    """All addresses below the service's prefix."""
    table: list[tuple[str, Any]] = [
        ("", pages.LaunchPage),
        (r"v2/([^/]+)/(.+)", pages.LaunchPage),
        (r"launches/([0-9a-z]+)", pages.LoadingPage),
        (r"api/parse", launches.ParseHandler),
        (r"api/launches", launches.LaunchesHandler),
        (r"api/launches/([0-9a-z]+)", launches.LaunchHandler),
        (r"api/launches/([0-9a-z]+)/start", launches.StartHandler),
        (r"api/launches/([0-9a-z]+)/events", launches.LaunchEventsHandler),
        (r"api/builds/([0-9a-f]+)", builds.BuildHandler),
        (r"api/builds/([0-9a-f]+)/events", builds.BuildEventsHandler),
        (r"api/servers/([^/]+)", servers.ServerHandler),
        (r"api/content/([0-9a-z]+)", content.ContentHandler),
        (r"api/worker/claim", workers.ClaimHandler),
        (r"api/worker/builds/([0-9a-f]+)/context", workers.ContextHandler),
        (r"api/worker/builds/([0-9a-f]+)/report", workers.ReportHandler),
        (r"api/worker/builds/([0-9a-f]+)/(finish|fail|release)", workers.EndHandler),
        (r"health", health.HealthHandler),
        (r"oauth_callback", HubOAuthCallbackHandler),
    ]
    return [(prefix + path, handler) for path, handler in table]
