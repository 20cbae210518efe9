"""What is served where."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jupyterhub._data import DATA_FILES_PATH
from jupyterhub.services.auth import HubOAuthCallbackHandler

from ..operations import openapi
from . import (
    binderhub,
    builds,
    consents,
    content,
    credentials,
    crews,
    description,
    health,
    images,
    launches,
    metrics,
    nothing,
    offers,
    outlook,
    overview,
    pages,
    people,
    presets,
    preview,
    pushed,
    queue,
    recent,
    servers,
    workers,
    workspaces,
)
from .binderhub_build import BuildStreamHandler

STATIC = Path(DATA_FILES_PATH) / "static" / "hpcbinderhub"


def routes(prefix: str, title: str) -> list[tuple[Any, ...]]:
    """All addresses below the service's prefix."""
    table: list[tuple[Any, ...]] = [
        ("", pages.LaunchPage),
        (r"v2/([^/]+)/(.+)", pages.LaunchPage),
        (r"mine", overview.MinePage),
        (r"mine/workspaces", overview.WorkspacesPart),
        (r"admin", overview.AdminPage),
        (r"recent", recent.RecentPage),
        (r"login", pages.LogInHandler),
        (r"launches/([0-9a-z]+)", pages.LoadingPage),
        (r"launches/([0-9a-z]+)/preview", preview.PreviewPage),
        (r"api/parse", launches.ParseHandler),
        (r"api/launches", launches.LaunchesHandler),
        (r"api/launches/([0-9a-z]+)", launches.LaunchHandler),
        (r"api/launches/([0-9a-z]+)/start", launches.StartHandler),
        (r"api/launches/([0-9a-z]+)/again", launches.AgainHandler),
        (r"api/launches/([0-9a-z]+)/events", launches.LaunchEventsHandler),
        (r"api/launches/([0-9a-z]+)/server", launches.LaunchServerHandler),
        (r"api/opening", workspaces.OpeningHandler),
        (r"api/workspaces", workspaces.WorkspacesHandler),
        (r"api/workspaces/([^/]+)", workspaces.WorkspaceHandler),
        (r"api/builds", builds.BuildsHandler),
        (r"api/builds/([0-9a-f]+)", builds.BuildHandler),
        (r"api/builds/([0-9a-f]+)/events", builds.BuildEventsHandler),
        (r"api/builds/([0-9a-f]+)/log", builds.BuildLogHandler),
        (r"api/builds/([0-9a-f]+)/cancel", builds.BuildCancelHandler),
        (r"api/builds/([0-9a-f]+)/prefer", builds.BuildPreferHandler),
        (r"api/builds/([0-9a-f]+)/retry", builds.BuildRetryHandler),
        (r"api/builds/([0-9a-f]+)/rebuild", builds.BuildRebuildHandler),
        (r"api/builds/([0-9a-f]+)/environment", builds.BuildEnvironmentHandler),
        (r"api/builds/([0-9a-f]+)/bill", builds.BuildBillHandler),
        (r"api/queue", queue.QueueHandler),
        (r"api/queue/pause", queue.PauseHandler),
        (r"api/images", images.ImagesHandler),
        (r"api/images/([0-9a-f]{1,64})", images.ImageHandler),
        (r"api/images/([0-9a-f]{1,64})/pin", images.PinHandler),
        (r"api/images/([0-9a-f]{1,64})/artefact", images.ArtefactHandler),
        (r"api/images/([0-9a-f]{1,64})/content", images.ImageContentHandler),
        (r"api/store", images.StoreHandler),
        (r"api/people", people.PeopleHandler),
        (r"api/profiles", offers.ProfilesHandler),
        (r"api/limits", offers.LimitsHandler),
        (r"api/presets", presets.PresetsHandler),
        (r"api/presets/([^/]+)", presets.PresetHandler),
        (r"api/availability", outlook.AvailabilityHandler),
        (r"api/forecast", outlook.ForecastHandler),
        (r"api/credentials", credentials.CredentialsHandler),
        (r"api/credentials/([^/]+)", credentials.CredentialHandler),
        (r"api/consents", consents.ConsentsHandler),
        (r"api/consents/([0-9a-f]+)", consents.ConsentHandler),
        (r"api/pushed", pushed.PushedListHandler),
        (r"api/pushed/([^/]+)", pushed.PushedHandler),
        (r"api/servers/([^/]*)", servers.ServerHandler),
        (r"api/content/([0-9a-z]+)", content.ContentHandler),
        (r"api/content/([0-9a-z]+)/parts", content.PartsHandler),
        (r"api/content/([0-9a-z]+)/submodules/([0-9]{1,3})", content.SubmoduleHandler),
        (r"api/content/([0-9a-z]+)/objects", content.ObjectsHandler),
        (r"api/crews/claims/([0-9a-z]+)", crews.NodeClaimHandler),
        (r"api/crews/([0-9a-z]+)", crews.CrewsHandler),
        (r"api/crews/([0-9a-z]+)/([0-9a-z]+)", crews.CrewHandler),
        (r"api/crews/([0-9a-z]+)/([0-9a-z]+)/keys", crews.CrewKeysHandler),
        (r"api/crews/([0-9a-z]+)/([0-9a-z]+)/nodes/([^/]+)/log", crews.NodeLogHandler),
        (r"api/worker/token", workers.TokenHandler),
        (r"api/worker/claim", workers.ClaimHandler),
        (r"api/worker/removals", workers.RemovalsHandler),
        (r"api/worker/builds/([0-9a-f]+)/context", workers.ContextHandler),
        (r"api/worker/builds/([0-9a-f]+)/report", workers.ReportHandler),
        (r"api/worker/builds/([0-9a-f]+)/sign", workers.SignHandler),
        (r"api/worker/builds/([0-9a-f]+)/(finish|fail|release)", workers.EndHandler),
        (r"build/([^/]+)/(.+)", BuildStreamHandler),
        (r"repo/([^/]+)/([^/]+)(/.*)?", binderhub.LegacyRedirectHandler),
        (r"versions", binderhub.VersionsHandler),
        (r"api/repoproviders", binderhub.RepoProvidersHandler),
        (r"(badge(?:_logo)?\.svg)", binderhub.StaticHandler, {"path": STATIC}),
        (r"assets/images/(badge\.svg)", binderhub.StaticHandler, {"path": STATIC}),
        (r"static/(.+)", binderhub.StaticHandler, {"path": STATIC}),
        (r"health", health.HealthHandler),
        (r"metrics", metrics.MetricsHandler),
        (r"oauth_callback", HubOAuthCallbackHandler),
    ]
    made = [(prefix + path, *rest) for path, *rest in table]
    described = {"description": openapi(made, prefix, title)}
    return [
        *made,
        (prefix + r"api/openapi\.json", description.OpenAPIHandler, described),
        (prefix + r"api/.*", nothing.NoSuchResource),
        (r".*", nothing.NoSuchPage),
    ]
