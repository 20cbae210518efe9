"""The limits of the web service."""

from __future__ import annotations

from traitlets import Bool, HasTraits, Integer, List, Unicode


class Web(HasTraits):
    """The limits of the web service."""

    request_limit = Integer(
        100,
        config=True,
        help="""How many builds and launches one user may ask for within `request_limit_seconds`.

        A push counts as well; continuing an event stream does not. 0 sets no limit.
        """,
    )
    request_limit_seconds = Integer(
        3600, config=True, help="The time that `request_limit` is for, in seconds."
    )
    streams_per_user = Integer(
        100,
        config=True,
        help="How many event streams one user may hold open at once. 0 sets no limit.",
    )
    api_origins = List(
        Unicode(),
        config=True,
        help="""Origins whose pages may use the API, with a token and never with a cookie.

        Sent as `Access-Control-Allow-Origin`. `['*']` lets every page do so: whoever holds a token
        can use it anyway. Example: `['https://notes.example.org']`.
        """,
    )
    authenticate_metrics = Bool(
        True,
        config=True,
        help="""Whether `/metrics` needs a token with the scope `read:metrics`.

        Like JupyterHub's `authenticate_prometheus`. Set to False only where others cannot reach it.
        """,
    )
    free_disk_mb = Integer(
        1024,
        config=True,
        help="`/health` is not well with less space than this, in MiB, for state or artefacts.",
    )
