"""Put what a repository asks for into the one Python environment of the image.

Runs inside the image, as its user, in the repository's folder; without arguments it only
byte-compiles what was added since, and gathers what Dask's launchers import. Lines that begin with
``hpcbinder-tools:`` are read by the builder, which makes a sentence of them for the person who
waits.
"""

import argparse
import json
import sys
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path

import hashes
import tools
from bytecode import adopt_kept, byte_compile, keep
from environment import installed, uv
from locks import BadLock, names, pipfile_lines, pipfile_lock_lines, pylock_lines

try:
    import tomllib
except ModuleNotFoundError:
    import tomli as tomllib


def main():
    """Read the arguments that the build pack gives."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tools", action="store_true", help="make the base image's environment")
    parser.add_argument("--lock", type=Path, help="pylock.toml, uv.lock or Pipfile.lock")
    parser.add_argument("--pipfile", type=Path, help="a Pipfile that is not locked")
    parser.add_argument("--requirements", help="a requirements file")
    parser.add_argument("--project", help="a pyproject.toml whose dependencies are wanted")
    parser.add_argument("--package", action="store_true", help="install the repository itself, too")
    parser.add_argument("--extra", help="an extra of the project")
    parser.add_argument("--group", help="a dependency group of the project")
    parser.add_argument("--date", type=date.fromisoformat, help="the index as of the end of a day")
    parser.add_argument("--keep", help="compile the kept packages that links in a folder lead to")
    options = parser.parse_args()
    if options.keep:
        keep(options.keep)
        return 0
    began = time.time()
    with tempfile.TemporaryDirectory() as folder:
        try:
            done = tools.install() if options.tools else install(options, Path(folder))
        except BadLock as error:
            tools.tell(f"lock: {error}")
            return 1
        if done:
            files = [*Path(folder).glob("*.txt"), options.requirements]
            hashes.record([file for file in files if file], folder)
    if done:
        adopt_kept(since=began)
        # Without anything to install, it is a script of the repository that ran before.
        byte_compile(since=began if len(sys.argv) > 1 else 0)
        tools.gather()
    return 0 if done else 1


def install(options, scratch):
    """Install what is asked for, and keep the tools working beside it."""
    if options.lock:
        return install_exactly(locked(options, scratch), scratch)
    files, choices = sources(options, scratch)
    if not files and not choices:
        return True
    if options.date:
        return install_dated(files, choices, options.date, scratch)
    before = installed()
    wanted = [*(word for file in files for word in ("--requirements", file)), *choices]
    return uv("pip", "install", *wanted) == 0 and tools.keep(before, wanted)


def sources(options, scratch):
    """Requirements files, ours among them, and the options that choose from them."""
    files = [options.requirements, options.project]
    if options.pipfile:
        lines = understood(pipfile_lines, options.pipfile, options.pipfile)
        files.append(write(scratch / "pipfile.txt", lines))
    if options.package:
        extra = f"[{options.extra}]" if options.extra else ""
        files.append(write(scratch / "package.txt", [f"{Path.cwd()}{extra}"]))
    choices = ["--extra", options.extra] if options.extra and options.project else []
    if options.group:
        choices += ["--group", f"{options.project or 'pyproject.toml'}:{options.group}"]
    return [file for file in files if file], choices


def install_exactly(lines, scratch, direct=None):
    """Install these versions and no others, and add what the tools need around them.

    Where that cannot be, and ``direct`` says what the repository itself names, the rest may change.
    """
    before = installed()
    exact = write(scratch / "exact.txt", lines)
    if uv("pip", "install", "--no-deps", "--requirements", exact) != 0:
        return False
    now = installed()
    kept = [names(lines)] + ([names(direct)] if direct is not None else [])
    pins = [
        write(scratch / f"pins-{number}.txt", [f"{name}=={now[name]}" for name in of & set(now)])
        for number, of in enumerate(kept)
    ]
    return tools.keep(before, *(["--constraints", file] for file in pins))


def install_dated(files, choices, day, scratch):
    """Install what the index would have given at the end of a day, to an environment of its own."""
    newest = f"{day + timedelta(days=1)}T00:00:00Z"

    def resolved(*options):
        output = scratch / "resolved.txt"
        output.unlink(missing_ok=True)
        compiling = ("--quiet", "--no-header", "--no-annotate", "--output-file", str(output))
        # Indexes that a requirements file names are asked when its versions are installed, too.
        compiling += ("--emit-index-url", "--emit-find-links", "--exclude-newer", newest)
        if uv("pip", "compile", *files, *choices, *compiling, *options) != 0:
            return None
        return output.read_text("utf-8").splitlines()

    lines = resolved()
    direct = resolved("--no-deps")
    return None not in (lines, direct) and install_exactly(lines, scratch, direct)


def locked(options, scratch):
    """The lines of a lock file."""
    file = options.lock
    if file.name == "uv.lock":
        file = scratch / "pylock.toml"
        chosen = ["--extra", options.extra] if options.extra else []
        chosen += ["--group", options.group] if options.group else []
        exporting = ("export", "--quiet", "--frozen", "--no-editable", "--format", "pylock.toml")
        where = ("--project", str(options.lock.parent))
        with file.open("w", encoding="utf-8") as output:
            if uv(*exporting, *where, *chosen, to=output) != 0:
                raise BadLock("uv.lock does not go with the pyproject.toml beside it")
    reader = pipfile_lock_lines if file.suffix == ".lock" else pylock_lines
    return understood(reader, file, options.lock)


def understood(reader, file, named):
    """The lines of a file of the repository, which may hold anything."""
    try:
        text = file.read_text("utf-8")
        content = json.loads(text) if file.suffix == ".lock" else tomllib.loads(text)
        return reader(content, named.parent)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadLock(f"{named} cannot be read: {error}") from error


def write(path, lines):
    """Write lines to a file; its path."""
    path.write_text("".join(f"{line}\n" for line in lines), "utf-8")
    return str(path)


if __name__ == "__main__":
    sys.exit(main())
