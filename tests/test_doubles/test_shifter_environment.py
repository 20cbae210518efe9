"""Contract 2, Environment inside: who wins over whom."""

from site_under_test import IMAGE_ID, Done, Site


def variables(done: Done) -> dict[str, str]:
    assert done.returncode == 0, done.stderr
    pairs = (line.partition("=") for line in done.stdout.splitlines())
    return {name: value for name, _, value in pairs}


def test_the_callers_variables_pass_and_the_images_replace_them(site: Site) -> None:
    caller = {"MINE": "kept", "COLOUR": "caller", "HOME": "/home/ada"}
    seen = variables(site.shifter("env", env=caller))
    assert seen["MINE"] == "kept"
    assert (seen["COLOUR"], seen["HOME"], seen["PATH"]) == ("image", "/srv/env", "/bin")


def test_what_a_setuid_program_never_gets_is_stripped(site: Site) -> None:
    caller = {"LD_LIBRARY_PATH": "/x", "LD_PRELOAD": "", "TMPDIR": "/scratch", "LC_ALL": "C"}
    seen = variables(site.shifter("env", env=caller))
    assert seen.keys().isdisjoint({"LD_LIBRARY_PATH", "LD_PRELOAD", "TMPDIR"})
    # Nothing of Python's own start-up either.
    assert seen["LC_ALL"] == "C"
    assert "LC_CTYPE" not in seen


def test_the_image_is_named(site: Site) -> None:
    seen = variables(site.shifter("env"))
    assert seen["SHIFTER_IMAGE"] == IMAGE_ID
    assert seen["SHIFTER_IMAGEREQUEST"] == f"id:{IMAGE_ID}"


def test_env_file_beats_image_and_env_beats_env_file(site: Site) -> None:
    (site.data / "variables").write_text(
        '# a comment\nCOLOUR=file\nSHAPE="quoted stays"\nHOME=/tmp\n\n'
    )
    file = "--env-file=/site/data/variables"
    seen = variables(site.shifter(file, "--env=HOME=/site", "-e", "MORE=a=b", "env"))
    assert (seen["COLOUR"], seen["SHAPE"]) == ("file", '"quoted stays"')
    assert (seen["HOME"], seen["MORE"]) == ("/site", "a=b")


def test_env_file_is_opened_inside_as_the_user(site: Site) -> None:
    # The host's path of the same file is not there inside: only /tmp of the host is, by rule.
    assert site.shifter("--env-file=/usr/lib/os-release", "true").returncode == 1
    (site.data / "bad").write_text("no assignment\n")
    assert site.shifter("--env-file=/site/data/bad", "true").returncode == 1


def test_a_bad_env_option_is_an_error(site: Site) -> None:
    for wrong in ("NAME", "NAME="):
        assert site.shifter(f"--env={wrong}", "true").returncode == 1


def test_clearenv_drops_the_callers_only(site: Site) -> None:
    seen = variables(site.shifter("--clearenv", "env", env={"MINE": "dropped"}))
    assert "MINE" not in seen
    assert seen["COLOUR"] == "image"
    assert seen["SHIFTER_IMAGE"] == IMAGE_ID


def test_the_site_has_the_last_word(site: Site) -> None:
    strict = site.configured(
        "strict",
        siteEnv="COLOUR=site SITE=yes",
        siteEnvAppend="PATH=/opt/tool",
        siteEnvPrepend="PATH=/usr/site NEW=only",
        siteEnvUnset="MINE",
    )
    seen = variables(strict.shifter("--env=COLOUR=option", "env", env={"MINE": "dropped"}))
    assert (seen["COLOUR"], seen["SITE"], seen["NEW"]) == ("site", "yes", "only")
    assert seen["PATH"] == "/usr/site:/bin:/opt/tool"
    assert "MINE" not in seen


def test_the_command_is_looked_up_on_the_final_path(site: Site) -> None:
    assert site.shifter("--env=PATH=/usr/lib", "ls").returncode == 127
    assert site.shifter("ls", "/srv", env={"PATH": "/nowhere"}).returncode == 0


def test_the_image_comes_from_the_environment(site: Site) -> None:
    shell = {"SHIFTER_IMAGETYPE": "id", "SHIFTER_IMAGE": IMAGE_ID}
    job = {f"SLURM_SPANK_{name}": value for name, value in shell.items()}
    asked = {"SHIFTER_IMAGEREQUEST": f"id:{IMAGE_ID}"}
    for env in (shell, job, asked):
        assert site.shifter("true", image="", env=env).returncode == 0
    # Both are needed, and plain SHIFTER is not read.
    for env in ({"SHIFTER_IMAGE": IMAGE_ID}, {"SHIFTER": f"id:{IMAGE_ID}"}):
        assert site.shifter("true", image="", env=env).returncode == 1


def test_the_order_of_the_sources_of_the_image(site: Site) -> None:
    missing = "0" * 64
    shell = {"SHIFTER_IMAGETYPE": "id", "SHIFTER_IMAGE": IMAGE_ID}
    job = {"SLURM_SPANK_SHIFTER_IMAGETYPE": "id", "SLURM_SPANK_SHIFTER_IMAGE": missing}
    asked = {"SHIFTER_IMAGEREQUEST": f"id:{missing}"}
    assert site.shifter("true", image="", env=shell | job | asked).returncode == 0
    assert site.shifter("true", image=f"id:{missing}", env=shell).returncode == 1
    done = site.shifter("true", image="", env=job | {"SHIFTER_IMAGEREQUEST": f"id:{IMAGE_ID}"})
    assert done.returncode == 1


def test_a_job_shows_what_was_asked_for_and_what_it_became(site: Site) -> None:
    job = {
        "SLURM_SPANK_SHIFTER_IMAGETYPE": "id",
        "SLURM_SPANK_SHIFTER_IMAGE": IMAGE_ID,
        "SLURM_SPANK_SHIFTER_IMAGEREQUEST": "docker:lab/tool:1",
        "SLURM_SPANK_SHIFTER_VOLUME": "/site/data:/data",
    }
    seen = variables(site.shifter("sh", "-c", "ls -d /data >&2; env", image="", env=job))
    assert (seen["SHIFTER_IMAGE"], seen["SHIFTER_IMAGEREQUEST"]) == (IMAGE_ID, "docker:lab/tool:1")
