"""`sbatch` with Shifter's SPANK options `--image --volume --module` (contract 8).

Everything else goes to the real sbatch untouched. With the plugin these options are read by sbatch
itself; a wrapper has to read them from the command line and the script first.
"""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from .config import Config, config_dir, load_config
from .errors import DoubleError
from .modules import select_modules
from .reference import Reference, parse_reference
from .sbatch_script import SplitOptions, split_options, split_script
from .volumes import VolumeError, parse_user_volumes, volume_map

REJECTED = 255
# These end sbatch before it looks for a script.
INFORMATION = {"--version", "-V", "--usage"}
HELP = """
Options provided by plugins:
      --image=REF             shifter image to use
      --volume=FROM:TO[;...]  shifter volume bindings
      --module=LIST           shifter modules to enable
"""


class SubmitError(Exception):
    """The plugin refuses the submission."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


def main(argv: Sequence[str]) -> int:
    """Submit; it only returns for what has to be done before or after the real sbatch."""
    split = split_options(argv)
    if "--help" in split.options or "-h" in split.options:
        code = subprocess.run([real_sbatch(), *argv], check=False).returncode
        print(HELP)
        return code
    try:
        from_script, filtered = _read_script(split)
        wanted = {**from_script, **split.shifter}
        if wanted:
            os.environ.update(job_environment(load_config(), wanted))
        elif filtered is None:
            os.execv(real_sbatch(), [real_sbatch(), *argv])
        return _submit(split, filtered, changed=bool(from_script))
    except SubmitError as error:
        print(error, file=sys.stderr)
        return error.code
    except DoubleError as error:
        print(error, file=sys.stderr)
        return 1


def real_sbatch() -> str:
    """The program behind this one; the double's own tests put theirs beside the configuration."""
    if "DOUBLE_ROOT" in os.environ:
        return str(config_dir() / "sbatch")
    return "/usr/bin/sbatch"


def job_environment(config: Config, wanted: dict[str, str]) -> dict[str, str]:
    """Check the options and say what the job finds in its environment.

    All names begin with SLURM_, which sbatch passes on whatever --export says.
    """
    if "image" not in wanted:
        raise SubmitError("sbatch: error: No image specified for the shifter volumes.", REJECTED)
    image = parse_reference(wanted["image"], config.default_type)
    if image is None:
        raise SubmitError("sbatch: error: Failed to parse image request.", REJECTED)
    resolved = image if image.type in ("id", "local") else _look_up(config, image)
    found = {
        "IMAGE": resolved.descriptor,
        "IMAGETYPE": resolved.type,
        "IMAGEREQUEST": str(image),
    }
    if "volume" in wanted:
        found["VOLUME"] = _checked_volume(wanted["volume"])
    if "module" in wanted:
        select_modules(config, wanted["module"])
        found["MODULE"] = wanted["module"]
    return {f"SLURM_SPANK_SHIFTER_{name}": value for name, value in found.items()}


def _look_up(config: Config, image: Reference) -> Reference:
    program = f"{config.text('udiRootPath')}/bin/shifterimg"
    done = subprocess.run(
        [program, "lookup", str(image)], capture_output=True, text=True, check=False
    )
    ids = [line for line in done.stdout.splitlines() if re.fullmatch("[0-9a-f]{64}", line)]
    if done.returncode or not ids:
        raise SubmitError("sbatch: error: Failed to lookup image.  Aborting.", REJECTED)
    return Reference("id", ids[-1])


def _checked_volume(request: str) -> str:
    try:
        return volume_map(parse_user_volumes(request))
    except VolumeError as error:
        raise SubmitError(
            f"Failed to parse or invalid/disallowed volume map request: {request}", 1
        ) from error


def _read_script(split: SplitOptions) -> tuple[dict[str, str], str | None]:
    """Return the script's own Shifter options and the script without them.

    The text is None when sbatch reads the script itself: a file that cannot be read is its matter.
    """
    if any(option.split("=")[0] in {"--wrap", *INFORMATION} for option in split.options):
        return {}, None
    words = [word for word in split.script if word != "--"]
    try:
        raw = Path(words[0]).read_bytes() if words else sys.stdin.buffer.read()
    except OSError:
        return {}, None
    text = os.fsdecode(raw)
    found, filtered = split_script(text)
    return found, filtered if found or not words else None


def _submit(split: SplitOptions, script: str | None, changed: bool) -> int:
    """Run the real sbatch with the script where it was: a file, or stdin."""
    words = [word for word in split.script if word != "--"]
    if script is None:
        os.execv(real_sbatch(), [real_sbatch(), *split.options, *split.script])
    if not words or not changed:
        command = [real_sbatch(), *split.options, *words]
        return subprocess.run(command, input=os.fsencode(script), check=False).returncode
    with tempfile.TemporaryDirectory() as private:
        # The same name, since the job is called after it; sbatch copies it before it returns.
        copy = Path(private, Path(words[0]).name)
        copy.write_bytes(os.fsencode(script))
        command = [real_sbatch(), *split.options, str(copy), *words[1:]]
        return subprocess.run(command, check=False).returncode
