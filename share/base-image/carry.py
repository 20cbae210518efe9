"""Gather an interpreter and Git that run in any image, with a loader and libraries of their own.

Runs once in the base image, as root and with the Python of its environment. Images that are not
made from it get all of this by a copy: theirs may have an older C library, another one (musl) or
none at all. Whatever is started from here finds its libraries by a path in the program itself, so
that no variable has to be set, which the programs of the image would meet as well.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

TOOLS = Path("/srv/hpcbinder/tools")
ENV = Path("/srv/hpcbinder/env")
BIN = Path("/srv/hpcbinder/bin")
LIBRARIES = TOOLS / "lib"
PYTHON = TOOLS / "python"
GIT = TOOLS / "git"

# Of the standard library: what is for building Python itself, and what belongs to this image.
LEFT_OUT = ("config-*", "test", "idlelib", "ensurepip", "site-packages")
LEFT_OUT += ("sitecustomize.py", "EXTERNALLY-MANAGED")
# Compiled packages ask for these, and would find the image's, which may be too new for our libc.
ALWAYS_LOADED = ("libstdc++.so.6", "libgcc_s.so.1")

# A job's PYTHONPATH would be read before anything of ours is.
START_COMMAND = f"""\
#!{ENV}/bin/python3 -I
from hpcbinder.__main__ import main

main()
"""

GIT_SCRIPT = f"""\
#!/bin/sh
export GIT_EXEC_PATH={GIT}/libexec GIT_TEMPLATE_DIR={GIT}/templates
exec {GIT}/libexec/git "$@"
"""


def main():
    """Gather everything, and see that it runs from where it is."""
    carry_python()
    carry_git()
    programs = [path for top in (PYTHON / "bin", GIT) for path in sorted(top.rglob("*"))]
    programs = [path for path in programs if is_elf(path)]
    extensions = [path for top in (PYTHON, ENV) for path in sorted(top.rglob("*.so"))]
    carry_libraries(*programs, *extensions)
    for program in programs:
        use_own_libraries(program)
    complete_environment()
    for command in ([GIT / "bin/git", "--version"], [PYTHON / "bin/python3", "-c", "import ssl"]):
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def carry_python():
    """The interpreter and its standard library, which it finds beside itself."""
    version = "python{}.{}".format(*sys.version_info[:2])
    (PYTHON / "bin").mkdir(parents=True)
    shutil.copy2(Path(sys.executable).resolve(), PYTHON / "bin" / version)
    (PYTHON / "bin/python3").symlink_to(version)
    left_out = shutil.ignore_patterns(*LEFT_OUT)
    source = Path(sys.base_prefix, "lib", version)
    shutil.copytree(source, PYTHON / "lib" / version, symlinks=True, ignore=left_out)


def carry_git():
    """Git, what it starts, and LFS; the script in bin/ tells it where all that is."""
    shutil.copytree("/usr/lib/git-core", GIT / "libexec", symlinks=True)
    for name in ("git", "git-lfs"):
        (GIT / "libexec" / name).unlink(missing_ok=True)
        shutil.copy2(Path("/usr/bin", name), GIT / "libexec" / name)
    shutil.copytree("/usr/share/git-core/templates", GIT / "templates")
    (GIT / "bin").mkdir()
    write_program(GIT / "bin/git", GIT_SCRIPT)
    (GIT / "bin/git-lfs").symlink_to("../libexec/git-lfs")


def complete_environment():
    """What this image's own environment has as well: the start command, the way to workspaces."""
    write_program(TOOLS / "hpcbinder", START_COMMAND)
    (BIN / "hpcbinder").unlink()
    (BIN / "hpcbinder").symlink_to(TOOLS / "hpcbinder")
    (packages,) = ENV.glob("lib/python3.*/site-packages")
    shutil.copyfile(TOOLS / "workspace_paths.py", packages / "_hpcbinder_workspace.py")
    (packages / "zz_hpcbinder.pth").write_text("import _hpcbinder_workspace\n")


def write_program(path, text):
    """A script that all may run."""
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)


def is_elf(path):
    """Whether a path is a program or library of the machine's own kind."""
    if path.is_symlink() or not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(4) == b"\x7fELF"


def carry_libraries(*files):
    """What the files need of this image's libraries, the loader among it."""
    LIBRARIES.mkdir()
    for library in sorted(set().union(*map(needed, files))):
        # By the name that it is asked for, whatever file that leads to.
        shutil.copy2(library, LIBRARIES / library.name)


def needed(file):
    """The libraries that a program or library needs, with what these need in turn."""
    told = subprocess.run(["ldd", str(file)], capture_output=True, text=True).stdout
    paths = re.findall(r"(?:^\s+|=> )(/\S+) \(0x", told, re.MULTILINE)
    # Packages know where those are that they brought along.
    return {Path(path) for path in paths if not path.startswith(f"{ENV}/")}


def use_own_libraries(program):
    """Write into a program where its loader and libraries are."""
    asked = subprocess.run(
        ["patchelf", "--print-interpreter", str(program)], capture_output=True, text=True
    )
    if asked.returncode != 0:
        return  # It is static.
    loader = LIBRARIES / Path(asked.stdout.strip()).name
    # An rpath, not a runpath: it also holds for what the libraries need in turn.
    changes = [["--force-rpath", "--set-rpath", str(LIBRARIES)], ["--set-interpreter", str(loader)]]
    if program.is_relative_to(PYTHON):
        changes += [["--add-needed", name] for name in ALWAYS_LOADED]
    # One at a time: together they garble what they write.
    for change in changes:
        subprocess.run(["patchelf", *change, str(program)], check=True)


if __name__ == "__main__":
    main()
