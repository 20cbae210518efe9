"""Contract 2, Volumes."""

import pytest
from shifter_double.volumes import VolumeError, parse_user_volumes, volume_map
from site_under_test import Site


@pytest.mark.parametrize("target", ["/data", "/opt/data", "/srv/env", "/mnt", "/var/tmp", "/home"])
def test_targets_that_work(site: Site, target: str) -> None:
    (site.data / "marker").touch()
    done = site.shifter(f"--volume=/site/data:{target}", "ls", f"{target}/marker")
    assert (done.returncode, done.stderr) == (0, "")


def test_read_only_and_writable(site: Site) -> None:
    assert site.shifter("-V", "/site/data:/data", "touch", "/data/written").returncode == 0
    assert site.shifter("-V", "/site/data:/data:ro", "touch", "/data/refused").returncode != 0
    assert (site.data / "written").exists()


@pytest.mark.parametrize(
    ("volume", "code"),
    [
        ("/site/data:/etc", 1),
        ("/site/data:/etc/x", 1),
        ("/site/data:/etcetera", 1),
        ("/site/data:/var/lib", 1),
        ("/site/data:/opt", 1),
        ("/site/data:/opt/udiImage/x", 1),
        ("/site/data:relative", 1),
        ("/site/../data:/data", 1),
        ("/site/data", 1),
        ("/site/data:/data:unknown", 1),
        ("/site/data:/data:rec", 2),
        ("/site/data:/data:private", 2),
    ],
)
def test_maps_refused_by_rule(site: Site, volume: str, code: int) -> None:
    done = site.shifter(f"--volume={volume}", "true")
    assert done.returncode == 1
    assert done.stderr == f"Invalid Volume Map: {volume}, aborting! {code}\n"


@pytest.mark.parametrize("target", ["/proc", "/sys", "/dev"])
def test_system_directories_are_not_refused_by_rule(target: str) -> None:
    assert volume_map(parse_user_volumes(f"/tmp:{target}")) == f"/tmp:{target}"


def test_other_characters_are_dropped() -> None:
    assert volume_map(parse_user_volumes("/si te:/da$ta; /a:/b:ro;")) == "/site:/data;/a:/b:ro"
    with pytest.raises(VolumeError):
        parse_user_volumes("/a:/et$c")


def test_a_host_path_that_is_not_visible_inside(site: Site) -> None:
    done = site.shifter("--volume=/usr/share:/data", "true")
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        'FAILED to find real path for volume "from": /usr/share',
        "FAILED to setup image.",
    ]


def test_a_source_may_lie_in_the_image(site: Site) -> None:
    done = site.shifter("--volume=/srv/latest:/data", "ls", "-a", "/data")
    assert ".keep" in done.stdout


@pytest.mark.parametrize("target", ["/a/b", "/usr/new", "/x/"])
def test_mount_points_can_only_be_made_in_the_root(site: Site, target: str) -> None:
    done = site.shifter(f"--volume=/site/data:{target}", "true")
    assert done.returncode == 1
    assert done.stderr.splitlines()[0] == (
        f'FAILED to create volume "to": {site.shared}/udi/{target}, '
        "cannot create mount points in that location"
    )


def test_files_cannot_be_volumes(site: Site) -> None:
    (site.data / "file").touch()
    assert site.shifter("-V", "/site/data/file:/data", "true").returncode == 1
    assert site.shifter("-V", "/site/data:/srv/env/.keep", "true").returncode == 1


def test_a_target_on_another_file_system_of_the_site(site: Site) -> None:
    """/dev/shm is a file system of its own everywhere, unlike what holds the test's files."""
    shared_memory = site.configured("shm", siteFs="/dev/shm:/memory")
    done = shared_memory.shifter("--volume=/tmp:/memory", "true")
    assert done.returncode == 1
    assert done.stderr.splitlines()[0] == (
        f"Mount request path {site.shared}/udi//memory not on an approved device for volume mounts."
    )


def test_several_volumes_and_the_environment(site: Site) -> None:
    env = {"SHIFTER_VOLUME": "/tmp:/from_env"}
    assert site.shifter("ls", "/from_env", env=env).returncode == 0
    words = ["-V", "/tmp:/one;/tmp:/two", "--volume", "/tmp:/three"]
    assert site.shifter(*words, "ls", "/one", "/two", "/three", env=env).returncode == 0
    # The first one on the command line discards the environment's.
    assert site.shifter(*words, "ls", "/from_env", env=env).returncode != 0


def test_a_node_cache_is_not_available(site: Site) -> None:
    done = site.shifter("-V", "/tmp:/data:perNodeCache=size=1G", "true")
    assert done.returncode == 1
    assert done.stderr.endswith("FAILED to setup image.\n")
