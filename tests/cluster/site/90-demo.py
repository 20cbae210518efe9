"""The containerised site of the demo and the tests: what differs from the shipped files."""

import os
from pathlib import Path

from jupyterhub.authenticators.shared import SharedPasswordAuthenticator

c = get_config()  # noqa: F821

STATE = Path("/var/lib/hpcbinderhub")

# -- who we are ------------------------------------------------------------------------------------
c.Site.title = "HPC BinderHub demo"
c.Site.public_url = "https://hub:8443/"
c.Site.ca_file = "/trust/ca.pem"
c.Site.get_access = "This is the demo: log in as alice or bob, who have allocations."

# -- the cluster -----------------------------------------------------------------------------------
c.Site.login_hosts = ["login"]
c.Site.known_hosts = "/trust/known_hosts"
# The doubles stand where Shifter's clients would; everything else is Slurm's own.
c.Site.slurm_path = ["/opt/doubles/bin", "/usr/local/bin", "/usr/bin", "/bin"]
c.Site.job_prologue = "export PATH=/opt/doubles/bin:$PATH"
# The demo asks Slurm as rarely as any site; the tests set this.
if seconds := os.environ.get("HPCBINDERHUB_WATCH_SECONDS"):
    c.Site.watch_seconds = float(seconds)
c.Site.shifter_gateway = "http://imagegw:5000"

# -- storage ---------------------------------------------------------------------------------------
c.Site.data_roots = ["/scratch"]
c.Site.mount_points = ["/home", "/scratch"]

# -- repositories ----------------------------------------------------------------------------------
# The demo's own Git server is inside, as a site's may be.
c.Site.private_networks = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"]

c.Site.credential_keys_file = f"{STATE}/credential-keys"

c.Site.repository_paths = ["/scratch"]
c.Site.default_repository = "git/http%3A%2F%2Fgit%2Fquickstart.git/HEAD"

# -- builds ----------------------------------------------------------------------------------------
# The one image that the demo's registry is sure to hold.
c.Site.other_base_image = "docker.io/library/debian:bookworm"

# The demo goes on where the container that it runs in cannot keep builds apart.
c.BuildPolicy.trusted_builders = ["*"]

# The mirrors and the certificates of the place where the demo runs.
settings = (part.partition("=") for part in os.environ.get("HPCBINDERHUB_BUILD_ENV", "").split())
c.Site.build_environment = {name: value for name, _, value in settings}
bundle = Path(os.environ.get("HPCBINDERHUB_CA_BUNDLE", ""))
if bundle.is_file() and bundle.stat().st_size:
    c.Site.build_ca_bundle = str(bundle)
digest = Path("/trust/worker-token.sha256")
if digest.exists():
    c.Site.worker_tokens = {"builder": digest.read_text().strip()}
c.Site.lease_seconds = 10

# -- the web service -------------------------------------------------------------------------------
# The tests ask more in an hour than people do.
c.Site.request_limit = 10_000

# -- what is offered -------------------------------------------------------------------------------
c.Site.profiles = [
    {
        "name": "interactive",
        "title": "Interactive",
        "description": "Starts at once, for up to four hours.",
        "partition": "interactive",
        "max_minutes": 240,
        "cpus": 2,
        "memory_mb": 2048,
        "worker_nodes": 3,
    },
    {
        "name": "regular",
        "title": "Regular",
        "description": "Longer work; may wait in the queue.",
        "partition": "regular",
        "max_minutes": 1440,
        "cpus": 2,
        "memory_mb": 2048,
        "worker_nodes": 3,
        "worker_form": "one_job",
    },
    {
        "name": "shifter",
        "title": "Shifter",
        "description": "The regular partition, with Shifter as its container engine.",
        "partition": "regular",
        "engine": "shifter",
        "max_minutes": 240,
        "cpus": 2,
        "memory_mb": 2048,
        "worker_nodes": 3,
    },
    {
        "name": "login",
        "title": "Login node",
        "description": "Starts at once, beside everybody else: for looking and for small things.",
        "spawner": "login",
        "max_minutes": 240,
        "cpus": 1,
        "memory_mb": 2048,
        "processes": 200,
    },
    {
        "name": "gpu",
        "title": "GPU",
        "description": "One or two GPUs.",
        "partition": "gpu",
        "max_minutes": 240,
        "cpus": 2,
        "memory_mb": 2048,
        "gpus": 1,
        "max_gpus": 2,
        "worker_nodes": 1,
    },
]

# -- the hub ---------------------------------------------------------------------------------------
c.JupyterHub.authenticator_class = SharedPasswordAuthenticator
c.SharedPasswordAuthenticator.user_password = "hpcbinder-demo"
c.SharedPasswordAuthenticator.admin_password = "hpcbinder-demo-admin-password-for-carol"
c.Authenticator.allowed_users = {"alice", "bob", "dave"}
c.Authenticator.admin_users = {"carol"}
c.JupyterHub.load_groups = {
    "geo": {"users": ["alice", "bob", "carol"]},
    "ml": {"users": ["alice", "carol"]},
    "binder-admins": {"users": ["carol"]},
}
c.JupyterHub.db_url = f"sqlite:///{STATE}/jupyterhub.sqlite"
c.JupyterHub.cookie_secret_file = f"{STATE}/cookie-secret"
c.JupyterHub.hub_bind_url = "http://127.0.0.1:8081"
c.JupyterHub.log_level = "INFO"

# The proxy is a program of its own, so that a hub that ends drops nobody's connection.
c.ConfigurableHTTPProxy.should_start = False
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:8001"
