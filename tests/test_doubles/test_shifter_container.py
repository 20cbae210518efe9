"""Contract 2, What the container looks like."""

import json
import os

from site_under_test import IMAGE_ID, Site


def inside(site: Site, script: str) -> list[str]:
    done = site.shifter("sh", "-c", script)
    assert done.returncode == 0, done.stderr
    return str(done.stdout).splitlines()


def refused(site: Site, *words: str) -> bool:
    return site.shifter(*words).returncode != 0


def test_it_is_the_same_user_on_the_same_host(site: Site) -> None:
    assert inside(site, "id -u; id -g") == [str(site.user.pw_uid), str(site.user.pw_gid)]
    for name in ("pid", "net", "ipc", "uts"):
        link = f"/proc/self/ns/{name}"
        assert inside(site, f"ls -l {link}")[0].endswith(os.readlink(link))


def test_root_and_image_are_read_only(site: Site) -> None:
    for path in ("/new", "/etc/new", "/opt/new", "/var/new", "/srv/env/new", "/bin/sh"):
        assert refused(site, "touch", path), path
    # The host's temporary directories and the site's file systems are not.
    new = f"/tmp/{site.shared.name}.new"
    inside(site, f"touch {new} && ls {new} && rm {new} && touch /site/data/new")


def test_all_privileges_are_gone(site: Site) -> None:
    status = dict(
        line.split(":\t") for line in inside(site, "cat /proc/self/status") if ":\t" in line
    )
    for name in ("CapPrm", "CapEff", "CapBnd"):
        assert int(status[name], 16) == 0
    assert status["NoNewPrivs"] == "1"


def test_shifter_inside_shifter_fails(site: Site) -> None:
    assert refused(site, "unshare", "-r", "true")


def test_closed_files_of_the_image_stay_closed(site: Site) -> None:
    assert refused(site, "cat", "/srv/env/hidden")
    assert refused(site, "ls", "/private")


def test_image_content_below_a_site_file_system_is_hidden(site: Site) -> None:
    assert "jovyan" not in inside(site, "ls /home")
    assert inside(site, "ls -d /srv/env /opt/tool /srv/latest/") == [
        "/opt/tool",
        "/srv/env",
        "/srv/latest/",
    ]


def test_passwd_and_group_hold_only_the_user(site: Site) -> None:
    lines = inside(site, "cat /etc/passwd")
    assert [line.split(":")[0] for line in lines] == [site.user.pw_name]
    assert inside(site, "cat /etc/group")[0].split(":")[2] == str(site.user.pw_gid)
    # The rest of /etc is the image's, but for what the host knows better.
    assert inside(site, "cat /etc/motd") == ["of the image"]
    with open("/etc/hosts") as hosts:
        assert inside(site, "cat /etc/hosts") == hosts.read().splitlines()


def test_imported_users(site: Site) -> None:
    more = site.configured("more-users", usersToImport="nobody")
    done = more.shifter("cat", "/etc/passwd")
    assert [line.split(":")[0] for line in done.stdout.splitlines()] == [
        site.user.pw_name,
        "nobody",
    ]


def test_shifter_config(site: Site) -> None:
    volumes = ["--volume=/site/data:/data:ro", "-V", "/tmp:/opt/work"]
    done = site.shifter(*volumes, "cat", "/var/shifterConfig.json")
    assert done.stdout.startswith('{"identifier":')
    assert json.loads(done.stdout) == {
        "identifier": IMAGE_ID,
        "user": site.user.pw_name,
        "volMap": "/site/data:/data:ro;/tmp:/opt/work",
        "modules": "",
    }


def test_site_file_systems_can_be_mounted_elsewhere_and_read_only(site: Site) -> None:
    elsewhere = site.configured("elsewhere", siteFs=f"{site.shared}/site:/global:ro")
    assert elsewhere.shifter("ls", "/global").stdout == "data\n"
    assert elsewhere.shifter("touch", "/global/data/new").returncode != 0


def test_a_site_hook_can_make_mount_points(site: Site) -> None:
    hook = site.shared / "hook"
    hook.write_text("#!/bin/sh\nmkdir -p global/common\n")
    hook.chmod(0o755)
    site_fs = f"{site.shared}/site:/global/common"
    without = site.configured("no-hook", siteFs=site_fs)
    assert without.shifter("true").stderr.splitlines()[-1] == "FAILED to setup image."
    hooked = site.configured("hook-site", siteFs=site_fs, sitePreMountHook=str(hook))
    assert hooked.shifter("ls", "/global/common").stdout == "data\n"
