"""Contract 8: sbatch's options of the SPANK plugin, against a program that notes what it is given.

test_shifter_slurm.py does the same with a real Slurm where there is one.
"""

import json
import stat
from pathlib import Path
from typing import Any

import pytest
from gateway_under_test import Gateway
from shifter_double.sbatch_script import split_options, split_script
from site_under_test import IMAGE_ID, Done, Site

RECORDER = """\
#!/usr/bin/python3 -I
import json, os, sys
script = next((w for w in sys.argv[1:] if w.endswith(".sh")), None)
env = {k: v for k, v in os.environ.items() if k.startswith("SLURM_")}
text = open(script).read() if script else sys.stdin.read()
json.dump({"argv": sys.argv[1:], "env": env, "script": text}, open(%r, "w"))
print("Submitted batch job 1")
"""


class Submit:
    """sbatch of a site whose real sbatch notes how it was called."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.note = site.data / "noted.json"
        self.note.unlink(missing_ok=True)
        program = site.root / "sbatch"
        program.write_text(RECORDER % str(self.note))
        program.chmod(program.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)

    def __call__(self, *words: str, script: str = "#!/bin/sh\ntrue\n", **how: Any) -> Done:
        return self.site.run("sbatch", *words, input=script, **how)

    @property
    def noted(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.note.read_text())
        return found


@pytest.fixture
def sbatch(site: Site) -> Submit:
    return Submit(site.configured("submit"))


def variables(**values: str) -> dict[str, str]:
    return {f"SLURM_SPANK_SHIFTER_{name}": value for name, value in values.items()}


def test_without_our_options_nothing_changes(sbatch: Submit) -> None:
    done = sbatch("--parsable", "-n", "4", "--wrap=true", env={"SLURM_X": "1"})
    assert (done.returncode, done.stdout) == (0, "Submitted batch job 1\n")
    assert sbatch.noted["argv"] == ["--parsable", "-n", "4", "--wrap=true"]
    assert sbatch.noted["env"] == {"SLURM_X": "1"}


def test_the_job_finds_the_image_in_its_environment(sbatch: Submit) -> None:
    done = sbatch(
        f"--image=id:{IMAGE_ID}", "--time", "5", "--volume", "/site:/x;/tmp:/y:ro", "--module=none"
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert sbatch.noted["argv"] == ["--time", "5"]
    assert sbatch.noted["script"] == "#!/bin/sh\ntrue\n"
    assert sbatch.noted["env"] == variables(
        IMAGE=IMAGE_ID,
        IMAGETYPE="id",
        IMAGEREQUEST=f"id:{IMAGE_ID}",
        VOLUME="/site:/x;/tmp:/y:ro",
        MODULE="none",
    )


def test_a_tag_becomes_an_id_at_submission(gateway: Gateway) -> None:
    sbatch = Submit(gateway.site)
    image_id = gateway.take_in("ready:1", gateway.site.images / f"{IMAGE_ID}.squashfs")
    assert sbatch("--image", "custom:ready:1").returncode == 0
    assert sbatch.noted["env"] == variables(
        IMAGE=image_id, IMAGETYPE="id", IMAGEREQUEST="custom:ready:1"
    )
    sbatch.note.unlink()
    done = sbatch("--image=custom:nosuch:1")
    assert (done.returncode, done.stderr) == (
        255,
        "sbatch: error: Failed to lookup image.  Aborting.\n",
    )
    assert not sbatch.note.exists()


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (
            [f"--image=id:{IMAGE_ID}", "--volume=/tmp:/etc"],
            1,
            "Failed to parse or invalid/disallowed volume map request: /tmp:/etc\n",
        ),
        (["--volume=/tmp:/x"], 255, None),
        (
            [f"--image=id:{IMAGE_ID}", "--module=nosuch"],
            1,
            "Unknown shifter module: nosuch\nInvalid shifter module selection: nosuch\n",
        ),
    ],
    ids=["bad volume", "volume without image", "bad module"],
)
def test_refused_submissions(
    sbatch: Submit, words: list[str], code: int, message: str | None
) -> None:
    done = sbatch(*words)
    assert done.returncode == code
    assert message is None or done.stderr == message
    assert not sbatch.note.exists()


def test_the_last_volume_wins(sbatch: Submit) -> None:
    sbatch(f"--image=id:{IMAGE_ID}", "--volume=/tmp:/a", "--volume=/tmp:/b")
    assert sbatch.noted["env"]["SLURM_SPANK_SHIFTER_VOLUME"] == "/tmp:/b"


SCRIPT = f"""\
#!/bin/sh
#SBATCH --image=id:{IMAGE_ID}
#SBATCH -n 4 --volume="/tmp:/a b"

# a comment
shifter true
#SBATCH --module=none
"""
LEFT = f"""\
#!/bin/sh
##SBATCH --image=id:{IMAGE_ID}
#SBATCH -n 4

# a comment
shifter true
#SBATCH --module=none
"""


def test_options_in_a_script_on_stdin(sbatch: Submit) -> None:
    assert sbatch("--parsable", script=SCRIPT).returncode == 0
    assert sbatch.noted["script"] == LEFT
    assert sbatch.noted["env"] == variables(
        IMAGE=IMAGE_ID, IMAGETYPE="id", IMAGEREQUEST=f"id:{IMAGE_ID}", VOLUME="/tmp:/ab"
    )


def test_options_in_a_script_file_and_words_behind_it(sbatch: Submit) -> None:
    script = sbatch.site.data / "job.sh"
    script.write_text(SCRIPT)
    assert sbatch("-n", "1", str(script), "--volume=of-the-script").returncode == 0
    *options, path, argument = sbatch.noted["argv"]
    assert (options, Path(path).name, argument) == (["-n", "1"], "job.sh", "--volume=of-the-script")
    assert sbatch.noted["script"] == LEFT
    # A script without such options is submitted from where it is.
    script.write_text("#!/bin/sh\n#SBATCH -n 4\n")
    sbatch(f"--image=id:{IMAGE_ID}", str(script))
    assert sbatch.noted["argv"] == [str(script)]


def test_the_command_line_beats_the_script(sbatch: Submit) -> None:
    sbatch("--volume=/tmp:/c", script=SCRIPT)
    assert sbatch.noted["env"]["SLURM_SPANK_SHIFTER_VOLUME"] == "/tmp:/c"


def test_help_names_the_options(sbatch: Submit) -> None:
    done = sbatch("--help")
    for option in ("--image=", "--volume=", "--module="):
        assert option in done.stdout


@pytest.mark.parametrize(
    "words",
    [
        ["-n", "4", "--image=x", "job.sh"],
        ["-n4", "-H", "--image", "x", "job.sh"],
        ["--exclusive", "--image=x", "--chdir", "/tmp", "job.sh"],
        ["-HQn", "4", "--image=x", "job.sh"],
        ["--exclusive=user", "--nice", "--image=x", "--", "job.sh"],
    ],
)
def test_where_the_script_begins(words: list[str]) -> None:
    split = split_options(words)
    assert split.shifter == {"image": "x"}
    assert split.script[-1] == "job.sh"
    assert "job.sh" not in split.options


def test_a_script_without_our_options_is_left_alone() -> None:
    text = "#!/bin/sh\n#SBATCH -J 'my job' # why\n#SBATCH --mem=1G\ntrue\n"
    assert split_script(text) == ({}, text)
