"""Contract 2: options, the default command, exit codes and messages."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from site_under_test import DOUBLES, IMAGE_ID, META, Site


def test_a_command_runs_in_the_image_with_its_own_exit_code(site: Site) -> None:
    assert site.shifter("cat", "/etc/motd").stdout == "of the image\n"
    assert site.shifter("--", "sh", "-c", "exit 7").returncode == 7
    # Options end at the first word that is none.
    assert site.shifter("sh", "-c", "echo $1", "sh", "-h").stdout == "-h\n"


def test_the_default_command_is_bin_sh_whatever_shell_and_image_say(site: Site) -> None:
    done = site.shifter(input="echo I am $0\n", env={"SHELL": "/bin/false"})
    assert (done.returncode, done.stdout) == (0, "I am /bin/sh\n")


def test_a_command_that_cannot_be_started_is_127(site: Site) -> None:
    missing = site.shifter("nosuch")
    assert (missing.returncode, missing.stderr) == (
        127,
        "shifter: nosuch: No such file or directory\n",
    )
    closed = site.shifter("/etc/motd")
    assert (closed.returncode, closed.stderr) == (127, "shifter: /etc/motd: Permission denied\n")


def test_the_command_is_the_same_process_and_gets_the_signals(site: Site) -> None:
    words = [str(DOUBLES / "bin/shifter"), f"--image=id:{IMAGE_ID}", "sh", "-c"]
    script = "trap 'echo told; exit 5' TERM; echo $$; while :; do sleep 0.05; done"
    process = subprocess.Popen(
        [*words, script], stdout=subprocess.PIPE, text=True, **site.as_user({})
    )
    assert process.stdout is not None
    assert int(process.stdout.readline()) == process.pid
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 5
    assert process.stdout.read() == "told\n"
    assert site.shifter("sh", "-c", "kill -9 $$").returncode == -signal.SIGKILL


def test_the_files_stay_when_a_whole_process_group_is_told_to_end(site: Site) -> None:
    """The server behind the image is no part of the command: a job step's signal spares it."""
    words = [str(DOUBLES / "bin/shifter"), f"--image=id:{IMAGE_ID}", "sh", "-c"]
    at_the_end = "cat /etc/motd /srv/env/.keep && ls /usr; exit 3"
    script = f"trap '{at_the_end}' TERM; echo; while :; do sleep 0.05; done"
    process = subprocess.Popen(
        [*words, script],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        **site.as_user({}),
    )
    assert process.stdout is not None
    process.stdout.readline()
    for pid in servers_of(site):
        os.kill(pid, signal.SIGTERM)
    os.killpg(process.pid, signal.SIGTERM)
    assert process.wait(60) == 3
    assert process.stdout.read() == "of the image\nlib\n"


def test_nothing_is_left_behind(site: Site) -> None:
    assert site.shifter("true").returncode == 0
    limit = time.monotonic() + 60
    while servers_of(site) and time.monotonic() < limit:
        time.sleep(0.05)
    assert servers_of(site) == []
    assert str(site.shared) not in Path("/proc/mounts").read_text()


def servers_of(site: Site) -> list[int]:
    """The image servers that run for this site; a dead one has no command line any more."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            words = (entry / "cmdline").read_bytes()
        except OSError:
            continue
        if b"squashfuse" in words and os.fsencode(site.shared) in words:
            found.append(int(entry.name))
    return found


def test_options_that_do_not_exist(site: Site) -> None:
    done = site.shifter("--user=1000", "true")
    assert done.returncode == 1
    assert "unrecognized option" in done.stderr
    assert "Usage:" in done.stdout


def test_help(site: Site) -> None:
    done = site.run("shifter", "-h")
    assert (done.returncode, done.stderr) == (0, "")
    assert "--image" in done.stdout


@pytest.mark.parametrize("words", [[], ["--image=docker:$"]])
def test_no_image(site: Site, words: list[str]) -> None:
    done = site.run("shifter", *words, "true")
    assert (done.returncode, done.stderr) == (
        1,
        "No image specified, or specified incorrectly!\n",
    )
    assert "Usage:" in done.stdout


def test_an_id_needs_no_gateway_but_its_meta_file(site: Site) -> None:
    assert site.shifter("true").returncode == 0
    done = site.shifter("true", image="id:" + "0" * 64)
    assert (done.returncode, done.stderr) == (1, "FAILED to find requested image.\n")


def test_a_tag_needs_the_gateway(site: Site) -> None:
    done = site.shifter("true", image="lab/tool:1")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "FAILED to lookup docker image lab/tool:1"


def test_a_local_directory(site: Site) -> None:
    done = site.shifter("/bin/cat", "/etc/motd", image=f"local:{site.shared}/tree")
    assert (done.returncode, done.stdout) == (0, "of the image\n")


def test_acl_of_the_meta_file(site: Site) -> None:
    closed = site.write_meta("c1" * 32, META + "USERACL: 4242\n")
    done = site.shifter("true", image=closed)
    assert (done.returncode, done.stderr) == (1, "FAILED permission denied to image\n")
    by_user = site.write_meta("c2" * 32, META + f"USERACL: 4242,{site.user.pw_uid}\n")
    assert site.shifter("true", image=by_user).returncode == 0
    by_group = site.write_meta("c3" * 32, META + f"GROUPACL: {site.user.pw_gid}\n")
    assert site.shifter("true", image=by_group).returncode == 0


def test_a_broken_image_is_a_setup_failure(site: Site) -> None:
    broken = site.write_meta("c4" * 32, META)
    squashed = site.images / ("c4" * 32 + ".squashfs")
    squashed.unlink()
    squashed.write_bytes(b"not a squashfs")
    done = site.shifter("true", image=broken)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "FAILED to setup image."


def test_entrypoint(site: Site) -> None:
    """The words of ENTRYPOINT are only shown to reach the command: /bin/sh stands for it."""
    meta = META.replace("['echo', 'entry']", "['sh', '-c', 'echo $0 $@', 'entry']")
    image = site.write_meta("c5" * 32, meta)
    assert site.shifter("--entrypoint", image=image).stdout == "entry of the image\n"
    assert site.shifter("--entry", "a", "b", image=image).stdout == "entry a b\n"
    assert site.shifter("--entrypoint=ls", "/srv").stdout == "env\nlatest\n"
    # One word, not split; the image's CMD is not added.
    done = site.shifter("--entrypoint=ls /srv")
    assert (done.returncode, done.stderr) == (127, "shifter: ls /srv: No such file or directory\n")
    none = site.write_meta("c6" * 32, "FORMAT: squashfs\n")
    assert site.shifter("--entrypoint", image=none).returncode == 1


def test_working_directory(site: Site) -> None:
    assert site.shifter("pwd", cwd="/tmp").stdout == "/tmp\n"
    assert site.shifter("-w", "pwd").stdout == "/srv/env\n"
    assert site.shifter("-w/srv", "pwd").stdout == "/srv\n"
    assert site.shifter("--workdir=/opt", "pwd").stdout == "/opt\n"
    none = site.write_meta("c7" * 32, "FORMAT: squashfs\n")
    assert site.shifter("--workdir", "pwd", image=none).returncode == 1


def test_a_working_directory_that_is_not_there_inside(site: Site) -> None:
    done = site.shifter("sh", "-c", "pwd; exit 4", cwd="/usr/bin")
    assert (done.returncode, done.stdout) == (4, "/\n")
    assert done.stderr == "Failed to switch to working dir: /usr/bin, staying in /\n"


@pytest.mark.skipif(os.getuid() != 0, reason="only root can try what root may not do")
def test_root_may_not_run_shifter(site: Site) -> None:
    program = str(DOUBLES / "bin/shifter")
    done = subprocess.run(
        [program, f"--image=id:{IMAGE_ID}", "true"],
        env={"DOUBLE_ROOT": str(site.root)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "Failed to lookup username or attempted to run as root." in done.stderr
