"""Put a repository's requirements into the one Python environment of the image.

Runs inside the image, as its user. Lines that begin with ``hpcbinder-tools:`` are read by the
builder, which turns them into a sentence for the person who waits.
"""

import argparse
import compileall
import glob
import os
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

TOOLS = Path("/srv/hpcbinder/tools")
BIN = Path("/srv/hpcbinder/bin")
UV = str(TOOLS / "uv")
# What the launch needs, whatever a repository asks for.
PROGRAMS = ("hpcbinder", "jupyterhub-singleuser")
REQUIRED = ("jupyterlab>=4", "jupyterhub>=4", "dask", "distributed", "ipykernel>=6")


def installed():
    """Names of the ``.dist-info`` folders: one for each version of each package."""
    return {path.name for path in packages_dir().glob("*.dist-info")}


def packages_dir():
    """Where this environment keeps its packages."""
    return Path(sys.prefix, "lib", "python{}.{}".format(*sys.version_info[:2]), "site-packages")


def uv_pip(*arguments):
    """Run ``uv pip`` on this environment; its words go to the build's log."""
    environment = dict(os.environ)
    # As pip does: a package may come from any of the indexes that a requirements file names.
    environment.setdefault("UV_INDEX_STRATEGY", "unsafe-best-match")
    command, *rest = arguments
    return subprocess.run(
        [UV, "pip", command, "--python", sys.executable, "--no-cache", "--no-progress", *rest],
        env=environment,
    ).returncode


def tools():
    """Requirements of the tools, as command line arguments."""
    (wheel,) = glob.glob(str(TOOLS / "wheels" / "*.whl"))
    return ["hpcbinder[server] @ file://" + wheel, *REQUIRED]


def new_sources(distributions):
    """Python files of some distributions, from their own lists."""
    root = packages_dir()
    for name in distributions:
        record = root / name / "RECORD"
        if not record.is_file():
            continue
        for line in record.read_text(encoding="utf-8", errors="surrogateescape").splitlines():
            path = line.rsplit(",", 2)[0].strip('"')
            # Tests are not run from an image, and can be half of a package.
            if path.endswith(".py") and not path.startswith("..") and "/tests/" not in path:
                yield str(root / path)


def byte_compile(paths):
    """Compile once here: the image is read-only, so that every start would do it again."""
    paths = list(paths)
    if not paths:
        return
    with ProcessPoolExecutor() as pool:
        list(pool.map(compile_one, paths, chunksize=16))


def compile_one(path):
    """Compile one file; packages ship files that are not for this Python, which is no error."""
    return compileall.compile_file(path, quiet=2)


def tell(text):
    """Tell the builder something it knows how to read."""
    print("hpcbinder-tools: " + text, flush=True)


def verify():
    """Tell what of the tools does not work, or nothing."""
    checks = [[str(Path(sys.prefix, "bin", "jupyterhub-singleuser")), "--version"]]
    checks += [
        [sys.executable, "-c", "import " + name]
        for name in ("dask", "distributed", "jupyterlab", "ipykernel")
    ]
    for command in checks:
        done = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
        )
        if done.returncode != 0:
            return (
                " ".join([os.path.basename(command[0]), *command[1:]])
                + ": "
                + last_line(done.stdout)
            )
    return ""


def last_line(text):
    """The line of a traceback that says what is wrong."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "no output"


def install(wanted):
    """Install what the repository asks for, and keep the tools working beside it."""
    before = installed()
    if uv_pip("install", *wanted) != 0:
        return 1
    # If nothing that was there has changed, the tools are as they were in the base image.
    if before - installed():
        if uv_pip("check") != 0:
            tell("joint: looking for versions that suit the repository and the tools")
            if uv_pip("install", *wanted, *tools()) != 0:
                tell("conflict: no versions suit both the repository and the tools")
                return 1
        broken = verify()
        if broken:
            tell("broken: " + broken)
            return 1
    byte_compile(new_sources(installed() - before))
    return 0


def install_tools():
    """Make the environment of the base image: the tools alone."""
    if uv_pip("install", *tools()) != 0:
        return 1
    broken = verify()
    if broken:
        tell("broken: " + broken)
        return 1
    byte_compile(new_sources(installed()))
    for name in PROGRAMS:
        (BIN / name).symlink_to(Path(sys.prefix, "bin", name))
    # A link would not do: Python finds its environment by the path it was started by.
    python = BIN / "python3"
    python.write_text(f'#!/bin/sh\nexec {sys.prefix}/bin/python3 "$@"\n', encoding="utf-8")
    python.chmod(0o755)
    return 0


def main():
    """Read the few arguments the build pack gives."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--tools", action="store_true", help="make the environment of the base image"
    )
    parser.add_argument("--package", action="store_true", help="install the repository itself, too")
    parser.add_argument("--requirements", help="the repository's requirements file")
    options = parser.parse_args()
    if options.tools:
        return install_tools()
    wanted = ["-r", options.requirements] if options.requirements else []
    wanted += ["."] if options.package else []
    return install(wanted) if wanted else 0


if __name__ == "__main__":
    sys.exit(main())
