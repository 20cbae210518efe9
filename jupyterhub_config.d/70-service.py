"""The web service: pages, API and the queue of builds, started and watched by the hub."""

import sys
from pathlib import Path

c = get_config()  # noqa: F821

c.JupyterHub.services = [
    {
        "name": "binder",
        "display": True,
        "url": "http://127.0.0.1:10101",
        "command": [
            *(sys.executable, "-m", "hpcbinderhub.services.binder"),
            f"--config={Path(__file__).parent}",
        ],
        # Whoever may log in may open it; there is nothing to ask about.
        "oauth_no_confirm": True,
        "oauth_client_allowed_scopes": [
            "custom:hpcbinderhub:build",
            "custom:hpcbinderhub:launch",
            "custom:hpcbinderhub:admin",
        ],
    }
]

# The keys for users' own credentials, from `hpcbinderhub credential-key FILE`. Without them, only
# public repositories are launched.
c.Site.credential_keys_file = ""

# The page to be on is the one that takes a repository.
c.JupyterHub.default_url = "/services/binder/"
