"""A bill as CycloneDX, judged by the standard's own schema, and as OCI annotations."""

from __future__ import annotations

import json
import string

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from hypothesis import given
from hypothesis import strategies as st
from images.bills.bills import bill, conda, debian, python

from hpcbinderhub.images.bills.annotations import annotations_of
from hpcbinderhub.images.bills.cyclonedx import document, package_url
from hpcbinderhub.images.bills.model import Bill, Package

ARTEFACT = "9" * 64
FETCHED = python(
    "tool", "1.0", url="git+https://example.org/tool.git#subdirectory=a", commit="c" * 40
)
SIX = python("six", "1.17.0", files="d" * 64)
WHOLE = bill(SIX, python("six", "1.17.0", "/usr/local"), FETCHED, conda("numpy", "2.1.0"),
             debian("libc6", "2.36-9+deb12u7"), unread=("the system's RPM packages",))  # fmt: skip


def complaints(made: Bill) -> object:
    text = json.dumps(document(made, ARTEFACT))
    return JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)


@pytest.mark.parametrize("made", [WHOLE, bill(), bill(SIX, system="", base_digest="")])
def test_it_is_what_the_schema_asks_for(made: Bill) -> None:
    assert complaints(made) is None


visible = st.text(string.ascii_letters + string.digits + string.punctuation, max_size=10)
words = st.builds(str.__add__, st.sampled_from(string.ascii_letters), visible)
names = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,8}", fullmatch=True)


@given(
    st.builds(
        Package,
        kind=st.sampled_from(["pypi", "conda", "deb", "apk"]),
        name=names,
        version=words,
        where=st.sampled_from(["", "/srv/x y", "/ü"]),
        build=visible,
        arch=visible,
        url=st.sampled_from(["", "https://example.org/a%20b", "git+ssh://git@host/x#a=b&c"]),
        hashes=st.sampled_from([{}, {"md5": "a" * 32, "sha512": "b" * 128}]),
        files=st.sampled_from(["", "e" * 64]),
    )
)
def test_so_it_is_whatever_a_stranger_named_his_packages(package: Package) -> None:
    assert complaints(bill(package)) is None


def test_it_says_what_it_is_the_bill_of_and_how_that_was_made() -> None:
    made = document(WHOLE, ARTEFACT)
    about = made["metadata"]["component"]
    assert about["hashes"] == [{"alg": "SHA-256", "content": ARTEFACT}]
    assert (about["name"], about["version"]) == (WHOLE.repo_url, WHOLE.commit)
    said = {entry["name"]: entry["value"] for entry in about["properties"]}
    assert said["hpcbinderhub:recipe-key"] == WHOLE.key
    assert said["hpcbinderhub:build-pack"] == "UvPack"
    assert said["hpcbinderhub:base-digest"] == WHOLE.base_digest
    assert said["hpcbinderhub:unread"] == "the system's RPM packages"
    assert made["compositions"][0]["aggregate"] == "incomplete"
    tools = {tool["name"]: tool["version"] for tool in made["metadata"]["tools"]["components"]}
    assert tools == {"hpcbinderhub": "0.1.0", "buildah": "1.28.2"}
    assert document(WHOLE, ARTEFACT) == made


@pytest.mark.parametrize(
    ("package", "url"),
    [
        (SIX, "pkg:pypi/six@1.17.0"),
        (python("torch", "2.1+cu121"), "pkg:pypi/torch@2.1%2Bcu121"),
        (conda("numpy", "2.1"), "pkg:conda/numpy@2.1?build=py_0&subdir=linux-64"),
        (debian("g++", "1:2~x"), "pkg:deb/debian/g%2B%2B@1%3A2~x?arch=amd64&distro=debian-12"),
    ],
)
def test_a_package_has_the_address_by_which_scanners_know_it(package: Package, url: str) -> None:
    assert package_url(package, "debian 12") == url


def test_an_image_says_the_same_in_annotations() -> None:
    said = annotations_of(WHOLE)
    assert said["org.opencontainers.image.source"] == WHOLE.repo_url
    assert said["org.opencontainers.image.revision"] == WHOLE.commit
    assert said["org.opencontainers.image.created"] == "2023-11-14T22:13:20Z"
    assert said["hpcbinderhub.recipe-key"] == WHOLE.key
    assert said["hpcbinderhub.builder"] == "buildah 1.28.2"
    assert "hpcbinderhub.unread" not in annotations_of(bill())
