"""Add the tools to an image that another build pack or a Dockerfile made.

Runs as root inside that image, with the interpreter that was copied there, and knows nothing about
the image beforehand. Lines that begin with ``hpcbinder-tools:`` are read by the builder.

The image then holds two worlds at most. Notebooks run in the repository's own Python, to which
packages are added and in which none is changed. The server runs there too if that environment has
one that suits the hub, and otherwise in the tools' own, below ``/srv/hpcbinder/env``. Which it is,
and what could not be had, goes into ``world.json``.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

BASE = Path("/srv/hpcbinder")
TOOLS = BASE / "tools"
ENV = BASE / "env"
BIN = BASE / "bin"
HOME = Path("/srv/home")

# What makes an environment's own server one that suits the hub; the first two it must bring.
SERVER_HAS = {"jupyterlab": 4, "jupyter-server": 2}
SERVER_NEEDS = ("jupyterhub>=4",)
KERNEL = ("ipykernel",)
WORKERS = ("dask>=2023.1", "distributed>=2023.1")
WORKERS_FROM = (3, 9)

NO_PYTHON = "the image that the repository makes holds no Python"
# Versions that a constraint can name; distributions have others. What a local version adds is left
# out: `==1.6.3` holds for an installed `1.6.3+git2022`, and no index has that one.
VERSION = re.compile(
    r"(?P<public>\d+(\.\d+)*((a|b|rc)\d+)?(\.post\d+)?(\.dev\d+)?)(\+[a-z0-9.]+)?", re.I
)
# A build that could not reach an index is no image to keep: what is missing is there tomorrow.
UNREACHED = re.compile(r"dns error|error sending request|Request failed after|Failed to fetch")

# Asked of whatever Python an image has, old ones too.
PROBE = """
import json, sys, sysconfig
try:
    from importlib.metadata import distributions
    found = [(d.metadata["Name"], d.version) for d in distributions()]
except ImportError:
    found = []
try:
    from site import getsitepackages
    packages = getsitepackages()[0]
except ImportError:
    packages = sysconfig.get_path("purelib")
print(json.dumps({
    "version": sys.version_info[:2],
    "prefix": sys.prefix,
    "packages": packages,
    "scripts": sysconfig.get_path("scripts"),
    "found": dict((n.lower().replace("_", "-"), v) for n, v in found if n and v),
}))
"""


class Lacking(Exception):
    """Something that an environment cannot have; the words say why."""


class Python:
    """A Python of the image."""

    def __init__(self, program):
        """Ask it what it is and has."""
        self.program = str(program)
        told = subprocess.run([self.program, "-c", PROBE], capture_output=True, text=True)
        if told.returncode != 0:
            raise Lacking(f"{program} does not run: {last_line(told.stderr)}")
        facts = json.loads(told.stdout.splitlines()[-1])
        self.version = tuple(facts["version"])
        self.prefix = Path(facts["prefix"])
        self.packages = Path(facts["packages"])
        self.scripts = Path(facts["scripts"])
        self.found = facts["found"]

    def add(self, *requirements):
        """Install what is missing; nothing that is there gets another version."""
        constraints = Path("/tmp/hpcbinder-constraints.txt")
        known = {name: VERSION.fullmatch(version) for name, version in self.found.items()}
        lines = sorted(
            f"{name}=={version['public']}\n" for name, version in known.items() if version
        )
        constraints.write_text("".join(lines), encoding="utf-8")
        command = [TOOLS / "uv", "pip", "install", "--no-cache", "--no-progress"]
        command += ["--python", self.program, "--break-system-packages", "--compile-bytecode"]
        command += ["--constraint", constraints, *requirements]
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
        constraints.unlink()
        print(done.stdout + done.stderr, end="", flush=True)
        if done.returncode == 0:
            return
        if UNREACHED.search(done.stderr):
            sys.exit(1)
        raise Lacking(explanation(done.stderr))

    def check(self, *command):
        """See that a program of it works."""
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
        if done.returncode != 0:
            raise Lacking(last_line(done.stderr))

    def imports(self, *modules):
        """See that it imports these."""
        self.check(self.program, "-c", "import " + ", ".join(modules))


def explanation(words):
    """Why uv found no versions, in one line; or the last thing that it said."""
    text = " ".join(re.sub(r"[│╰╭─▶├·]+", " ", words).split())
    because = re.search(r"Because .*?(?= hint:|$)", text) or re.search(r"(?<=cause: ).*", text)
    return because[0][:400] if because else last_line(words)


def last_line(words):
    """The line of a traceback that says what is wrong."""
    lines = [line.strip() for line in words.splitlines() if line.strip()]
    return lines[-1][:400] if lines else "it says nothing"


def find_pythons(env):
    """The Python of notebooks, and the one that may hold a server; None if there is none."""
    path = env.get("PATH", os.defpath)
    ours = [shutil.which(name, path=path) for name in ("python3", "python")]
    named = [f"{env[name]}/bin/python" for name in ("KERNEL_PYTHON_PREFIX",) if env.get(name)]
    kernel = next((p for p in (*named, *ours) if p and os.access(p, os.X_OK)), None)
    notebook = env.get("NB_PYTHON_PREFIX")
    server = f"{notebook}/bin/python" if notebook else None
    return kernel, server if server and os.access(server, os.X_OK) else kernel


def wheel(extra=""):
    """The tools' own package, as a requirement."""
    (file,) = (TOOLS / "wheels").glob("*.whl")
    return f"hpcbinder{extra} @ file://{file}"


def make_world(kernel, server, home):
    """Decide which Python does what; `kernel` and `server` are what `asked` says of them."""
    lacks = {}
    for what, give in (("kernel", give_kernel), ("workers", give_workers)):
        try:
            if isinstance(kernel, Lacking):
                raise kernel
            give(kernel)
        except Lacking as why:
            lacks[what] = str(why)
            tell(f"without: {what}: {why}")
    serving = give_server(server)
    found = [python for python in (kernel, server) if isinstance(python, Python)]
    folders = [*(python.prefix / "share" for python in found), home / ".local/share"]
    data = dict.fromkeys(str(folder / "jupyter") for folder in folders)
    return {
        "server": serving or [f"{ENV}/bin/python3", "-I", f"{ENV}/bin/jupyterhub-singleuser"],
        "python": None if "kernel" in lacks else kernel.program,
        "packages": None if "kernel" in lacks else str(kernel.packages),
        "jupyter_path": [path for path in data if os.path.isdir(path)],
        "home": str(home),
        "lacks": lacks,
    }


def give_kernel(python):
    """Notebooks run in it: in the kernel that it has, or in one that is added."""
    try:
        python.imports("ipykernel.kernelapp")
    except Lacking:
        python.add(*KERNEL)
        python.imports("ipykernel.kernelapp")
    python.packages.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(TOOLS / "workspace_paths.py", python.packages / "_hpcbinder_workspace.py")
    (python.packages / "zz_hpcbinder.pth").write_text("import _hpcbinder_workspace\n")


def give_workers(python):
    """Dask's workers run in it."""
    if python.version < WORKERS_FROM:
        raise Lacking("its Python {}.{} is older than {}.{}".format(*python.version, *WORKERS_FROM))
    python.add(*WORKERS, wheel())
    python.imports("dask", "distributed", "hpcbinder")
    # In one file, for launchers: without it they start more slowly.
    subprocess.run([python.program, "-I", "-m", "hpcbinder.node.library"], capture_output=True)


def give_server(python):
    """The command of the server that the environment brought, if it suits the hub."""
    if isinstance(python, Lacking) or not brings_server(python.found):
        return None
    program = python.scripts / "jupyterhub-singleuser"
    try:
        python.add(*SERVER_NEEDS, wheel())
        python.imports("jupyterlab", "hpcbinder")
        python.check(program, "--version")
    except Lacking as why:
        tell(f"own-server: the environment's JupyterLab cannot serve: {why}")
        return None
    try:
        python.add(*SERVER_NEEDS, wheel("[slicer]"))
    except Lacking as why:
        tell(f"without: slicer: {why}")
    return [str(program)]


def brings_server(found):
    """Whether packages, by name and version, hold a server that is new enough."""
    return all(major(found.get(name, "0")) >= least for name, least in SERVER_HAS.items())


def major(version):
    """The first number of a version."""
    found = re.match(r"\d+", version)
    return int(found[0]) if found else 0


def settle():
    """Make what was copied here run here."""
    interpreter = next((TOOLS / "python/bin").glob("python3.*"))
    (ENV / "bin/python").unlink(missing_ok=True)
    (ENV / "bin/python").symlink_to(interpreter)
    lines = (ENV / "pyvenv.cfg").read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if not line.startswith("home =")]
    text = "\n".join([f"home = {interpreter.parent}", *kept]) + "\n"
    (ENV / "pyvenv.cfg").write_text(text, encoding="utf-8")
    BIN.mkdir(exist_ok=True)
    (BIN / "hpcbinder").symlink_to(TOOLS / "hpcbinder")
    (BIN / "jupyterhub-singleuser").symlink_to(ENV / "bin/jupyterhub-singleuser")
    # A link would not do: Python finds its environment by the path it was started by.
    (BIN / "python3").write_text(f'#!/bin/sh\nexec {ENV}/bin/python3 "$@"\n', encoding="utf-8")
    (BIN / "python3").chmod(0o755)


def link_git(path):
    """Git and LFS for an image without them."""
    for name in ("git", "git-lfs"):
        if shutil.which(name, path=path) is None:
            Path("/usr/local/bin").mkdir(parents=True, exist_ok=True)
            Path("/usr/local/bin", name).symlink_to(TOOLS / "git/bin" / name)
    if shutil.which("git", path=path) is None:
        tell("no-git: it has no Git, and /usr/local/bin is not on its PATH")
        sys.exit(1)


def move_home(home):
    """Where HOME is from now on. Engines hide /home, so what is there moves; a link serves the
    old name."""
    if not home.startswith("/home/"):
        return Path(home)
    HOME.mkdir(parents=True, exist_ok=True)
    if os.path.isdir(home) and not os.path.islink(home):
        subprocess.run(["cp", "-a", home + "/.", str(HOME)], check=True)
        shutil.rmtree(home)
        os.symlink(HOME, home)
    return HOME


def tell(text):
    """Tell the builder something it knows how to read."""
    print("hpcbinder-tools: " + text, flush=True)


def asked(program):
    """What a Python of the image is, or why it cannot be used."""
    try:
        return Python(program) if program else Lacking(NO_PYTHON)
    except Lacking as why:
        return why


def main():
    """Everything, in the order in which one thing needs the other."""
    os.umask(0o022)
    home = move_home(os.environ.get("HOME", "/root"))
    os.environ["HOME"] = str(home)
    settle()
    link_git(os.environ.get("PATH", os.defpath))
    kernel, server = find_pythons(os.environ)
    world = make_world(asked(kernel), asked(server), home)
    (BASE / "world.json").write_text(json.dumps(world), encoding="utf-8")
    shutil.rmtree("/root/.cache", ignore_errors=True)


if __name__ == "__main__":
    main()
