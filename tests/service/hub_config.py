"""A real JupyterHub without Slurm: servers are processes of this host that answer and do no more.

`BINDER_TEST` in its environment is a JSON object with ports, paths and tokens.
"""

import json
import os
import sys
from pathlib import Path

import hpcbinderhub.spawners  # noqa: F401  (registers the hub's own handlers of ours)
from jupyterhub.authenticators.shared import SharedPasswordAuthenticator
from jupyterhub.spawner import SimpleLocalProcessSpawner, Spawner
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler

c = get_config()  # noqa: F821
given = json.loads(os.environ["BINDER_TEST"])
shipped = Path(given["root"], "jupyterhub_config.d")
scratch = Path(given["scratch"])


class SmallSpawner(SimpleLocalProcessSpawner):
    """Starts `small_server.py`; a launch that asks to open `refuse` is refused, and
    one that asks for `notice` gets a notice."""

    cmd = [sys.executable, str(Path(given["root"], "tests/service/small_server.py"))]
    home_dir_template = str(scratch / "homes" / "{username}")

    async def start(self):
        """As JupyterHub does it."""
        if self.user_options.get("open") == "refuse":
            error = RuntimeError("refused")
            error.jupyterhub_message = "The spawner refuses.\nAsk for another file.\n"
            raise error
        return await super().start()

    async def progress(self):
        """One sentence, or two."""
        yield {"progress": 50, "message": "The server is starting."}
        if self.user_options.get("open") == "notice":
            yield {"progress": 50, "message": "Your workspace was not updated.", "notice": True}


class SimulatedSpawner(Spawner):
    """Starts nothing: one place in the hub's own process answers for every server."""

    port = 0

    async def start(self):
        """Where that is."""
        if not SimulatedSpawner.port:
            answering = Application([(r".*", Answering)])
            sockets = bind_sockets(0, "127.0.0.1")
            HTTPServer(answering).add_sockets(sockets)
            SimulatedSpawner.port = sockets[0].getsockname()[1]
        self.running = True
        return ("127.0.0.1", SimulatedSpawner.port)

    async def poll(self):
        """Runs from start to stop."""
        return None if getattr(self, "running", False) else 0

    async def stop(self, now=False):
        """There is nothing to stop."""
        self.running = False


class Answering(RequestHandler):
    """GET: that it is there."""

    def get(self):
        """See the class."""
        self.finish("here")


load_subconfig(str(shipped / "80-roles.py"))  # noqa: F821
load_subconfig(str(shipped / "85-pages.py"))  # noqa: F821
c.JupyterHub.load_roles.append(
    {"name": "scraper", "scopes": ["read:metrics"], "services": ["prometheus"]}
)
c.JupyterHub.load_roles.append(
    {"name": "staff", "scopes": ["admin:users", "tokens"], "services": ["staff"]}
)
c.JupyterHub.load_roles.append(
    {"name": "sharers", "scopes": ["shares!user", "read:users:name"], "users": ["carol"]}
)
c.JupyterHub.bind_url = f"http://127.0.0.1:{given['port']}/"
c.JupyterHub.hub_port = given["hub_port"]
c.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{given['proxy_api_port']}"
c.ConfigurableHTTPProxy.command = [given["proxy"]]
c.JupyterHub.db_url = f"sqlite:///{scratch / 'jupyterhub.sqlite'}"
c.JupyterHub.cookie_secret_file = str(scratch / "cookie-secret")
c.JupyterHub.authenticator_class = SharedPasswordAuthenticator
c.SharedPasswordAuthenticator.user_password = given["password"]
c.Authenticator.allowed_users = {"alice", "bob", "carol"}
c.JupyterHub.load_groups = {"binder-admins": {"users": ["carol"]}}
c.JupyterHub.spawner_class = SimulatedSpawner if given["simulated"] else SmallSpawner
# Nobody is sent to a server of her own just by logging in.
c.JupyterHub.default_url = "/hub/home"
c.JupyterHub.allow_named_servers = True
c.JupyterHub.tornado_settings = {"slow_spawn_timeout": 0}
c.JupyterHub.cleanup_servers = True
c.JupyterHub.services = [
    {
        "name": "binder",
        "url": f"http://127.0.0.1:{given['service_port']}",
        "api_token": given["service_token"],
        "oauth_no_confirm": True,
        "oauth_client_allowed_scopes": [
            "custom:hpcbinderhub:build",
            "custom:hpcbinderhub:launch",
            "custom:hpcbinderhub:admin",
        ],
    },
    {"name": "prometheus", "api_token": given["scraper_token"]},
    {"name": "staff", "api_token": given["staff_token"]},
]
