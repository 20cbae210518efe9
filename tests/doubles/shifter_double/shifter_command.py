"""`shifter [opts] [--] [cmd args...]` (contract 2)."""

import os
import pwd
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .client import GatewayClient, NoAnswer
from .config import Config, load_config
from .container import Container, enter
from .environment import (
    apply_changes,
    caller_environment,
    layered,
    parse_assignment,
    parse_env_file,
)
from .errors import DoubleError, SetupError, UsageError
from .execute import execute
from .getopt_long import Option, Syntax, Takes, parse
from .kernel import give_up_privileges
from .metadata import ImageMetadata, read_metadata
from .modules import Modules, select_modules
from .reference import Reference, parse_reference
from .volumes import VolumeError, parse_user_volumes

USAGE = """
Usage:
shifter [options] -- [command and arguments]

Options:
  -i, --image=REF            image: [docker|custom|id|local]:descriptor
  -V, --volume=FROM:TO[:flag][;...]  bind a directory into the container
  -m, --module=a,b           site modules
  -e, --env=K=V              set a variable in the container
      --env-file=FILE        set variables from a file in the container
  -E, --clearenv             drop the caller's environment
      --entrypoint[=CMD]     run the image's entrypoint, or CMD
  -w, --workdir[=DIR]        working directory: DIR, or the image's
  -v                         verbose
  -h                         this text
"""

IMAGE = Option("image", Takes.REQUIRED)
VOLUME = Option("volume", Takes.REQUIRED)
MODULE = Option("module", Takes.REQUIRED)
ENV = Option("env", Takes.REQUIRED)
CLEARENV = Option("clearenv", Takes.NOTHING)
ENTRYPOINT = Option("entrypoint", Takes.OPTIONAL)
WORKDIR = Option("workdir", Takes.OPTIONAL)
VERBOSE = Option("verbose", Takes.NOTHING)
HELP = Option("help", Takes.NOTHING)

SYNTAX = Syntax(
    "shifter",
    long={
        "image": IMAGE,
        "volume": VOLUME,
        "module": MODULE,
        "env": ENV,
        "env-file": Option("env-file", Takes.REQUIRED),
        "clearenv": CLEARENV,
        "entrypoint": ENTRYPOINT,
        "entry": ENTRYPOINT,
        "workdir": WORKDIR,
        "verbose": VERBOSE,
        "help": HELP,
    },
    short={
        "i": IMAGE,
        "V": VOLUME,
        "m": MODULE,
        "e": ENV,
        "E": CLEARENV,
        "w": WORKDIR,
        "v": VERBOSE,
        "h": HELP,
    },
)


@dataclass
class Request:
    """What the command line and the caller's environment ask for."""

    image: str | None = None
    volumes: list[str] = field(default_factory=list)
    module: str | None = None
    env: dict[str, str] = field(default_factory=dict)
    env_file: str | None = None
    clear_env: bool = False
    use_entrypoint: bool = False
    entrypoint: str | None = None
    use_workdir: bool = False
    workdir: str | None = None
    help: bool = False
    command: list[str] = field(default_factory=list)


def main(argv: Sequence[str]) -> int:
    """Run the program; it only returns when the command could not be started."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        config = load_config()
        request = parse_command_line(argv)
        if request.help:
            print(USAGE)
            return 0
        return _run(config, request)
    except SetupError as error:
        print(f"{error}\nFAILED to setup image.", file=sys.stderr)
    except UsageError as error:
        print(error, file=sys.stderr)
        print(USAGE)
    except (DoubleError, VolumeError) as error:
        print(error, file=sys.stderr)
    return 1


def parse_command_line(argv: Sequence[str]) -> Request:
    """Read the options; nothing of the environment is looked at here."""
    request = Request()
    options, request.command = parse(SYNTAX, argv)
    for name, value in options:
        match name:
            case "image":
                request.image = value
            case "volume":
                request.volumes.append(value or "")
            case "module":
                request.module = value
            case "env":
                request.env.update([parse_assignment(value or "")])
            case "env-file":
                request.env_file = value
            case "clearenv":
                request.clear_env = True
            case "entrypoint":
                request.use_entrypoint, request.entrypoint = True, value
            case "workdir":
                request.use_workdir, request.workdir = True, value
            case "help":
                request.help = True
    return request


def _run(config: Config, request: Request) -> int:
    user = _require_user()
    caller = caller_environment()
    wanted, asked = choose_image(config, request, caller)
    # Contract 2: the first --volume discards SHIFTER_VOLUME, the second adds to the first.
    from_caller = _from_caller(caller, "VOLUME") or ""
    volume_text = ";".join(request.volumes) if request.volumes else from_caller
    module_text = request.module if request.module is not None else _from_caller(caller, "MODULE")
    volumes = parse_user_volumes(volume_text)
    modules = select_modules(config, module_text)
    image = _look_up(config, wanted)
    metadata = _readable_metadata(config, image, user)
    words = command_words(request, metadata)
    directory = working_directory(request, metadata)

    enter(Container(config, image, metadata, user, volumes, modules))
    give_up_privileges()

    inherited: Mapping[str, str] = {} if request.clear_env else caller
    named = {"SHIFTER_IMAGEREQUEST": asked, "SHIFTER_IMAGE": image.descriptor}
    from_file = _read_env_file(request.env_file)
    env = layered(inherited, named, metadata.env, from_file, request.env)
    env = apply_changes(env, [*modules.values(), config])
    _change_directory(directory)
    _run_user_hooks(modules, env)
    return execute(words, env)


def _require_user() -> pwd.struct_passwd:
    try:
        user = pwd.getpwuid(os.getuid())
    except KeyError:
        user = None
    if user is None or user.pw_uid == 0:
        raise DoubleError("Failed to lookup username or attempted to run as root.")
    return user


def choose_image(
    config: Config, request: Request, caller: Mapping[str, str]
) -> tuple[Reference, str]:
    """Return the image and the words it was asked for with; the command line wins (contract 2)."""
    asked, text = request.image, request.image
    if text is None:
        for prefix in ("SHIFTER", "SLURM_SPANK_SHIFTER"):
            type_, name = caller.get(f"{prefix}_IMAGETYPE"), caller.get(f"{prefix}_IMAGE")
            if type_ and name:
                text = f"{type_}:{name}"
                asked = caller.get(f"{prefix}_IMAGEREQUEST", text)
                break
        else:
            asked = text = caller.get("SHIFTER_IMAGEREQUEST")
    image = parse_reference(text, config.default_type) if text else None
    if image is None:
        raise UsageError("No image specified, or specified incorrectly!")
    return image, asked or str(image)


def _from_caller(caller: Mapping[str, str], name: str) -> str | None:
    return caller.get(f"SHIFTER_{name}", caller.get(f"SLURM_SPANK_SHIFTER_{name}"))


def _look_up(config: Config, wanted: Reference) -> Reference:
    """Turn a tag into an id; `id:` and `local:` never contact the gateway (contract 1)."""
    if wanted.type in ("id", "local"):
        return wanted
    try:
        reply = GatewayClient(config).lookup(wanted)
    except NoAnswer as error:
        print(error, file=sys.stderr)
        reply = None
    if reply is None or not reply.json or "id" not in reply.json:
        raise DoubleError(f"FAILED to lookup {wanted.type} image {wanted.descriptor}")
    return Reference("id", str(reply.json["id"]))


def _readable_metadata(config: Config, image: Reference, user: pwd.struct_passwd) -> ImageMetadata:
    if image.type == "local":
        return ImageMetadata(format="VFS")
    metadata = read_metadata(config.image_path, image.descriptor)
    if not metadata.readable_by(user.pw_uid, [os.getgid(), *os.getgroups()]):
        raise DoubleError("FAILED permission denied to image")
    return metadata


def command_words(request: Request, metadata: ImageMetadata) -> list[str]:
    """The command: /bin/sh unless told otherwise, whatever SHELL and the image's CMD say."""
    if not request.use_entrypoint:
        return request.command or ["/bin/sh"]
    if request.entrypoint:
        return [request.entrypoint, *request.command]
    if not metadata.entry:
        raise DoubleError("Image has no entrypoint")
    return [*metadata.entry, *(request.command or metadata.cmd)]


def working_directory(request: Request, metadata: ImageMetadata) -> str:
    """The caller's directory, or with --workdir the one named there or by the image."""
    if request.use_workdir:
        directory = request.workdir or metadata.workdir
        if not directory:
            raise DoubleError("Image has no WORKDIR, and none was given")
        return directory
    try:
        return os.getcwd()
    except OSError as error:
        raise DoubleError(f"FAILED to find the working directory: {error.strerror}") from error


def _read_env_file(name: str | None) -> dict[str, str]:
    if name is None:
        return {}
    try:
        return parse_env_file(Path(name).read_text(errors="surrogateescape"))
    except OSError as error:
        raise DoubleError(f"Failed to open environment file {name}: {error.strerror}") from error


def _change_directory(directory: str) -> None:
    try:
        os.chdir(directory)
    except OSError:
        message = f"Failed to switch to working dir: {directory}, staying in /"
        print(message, file=sys.stderr, flush=True)


def _run_user_hooks(modules: Modules, env: Mapping[str, str]) -> None:
    for name, module in modules.items():
        hook = module.text("userhook")
        if hook and subprocess.run(["/bin/sh", "-c", hook], env=env, check=False).returncode:
            raise DoubleError(f"FAILED to run userhook of module {name}")
