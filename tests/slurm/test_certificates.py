"""What the hub asks authorities for, and what it does not take from them."""

from __future__ import annotations

import asyncio
import json
import ssl
import subprocess
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import trustme
from slurm.sshd import Signer, make_key
from tornado.httpserver import HTTPServer
from tornado.web import Application, RequestHandler

from hpcbinderhub.errors import Unavailable, UserError
from hpcbinderhub.site import Site
from hpcbinderhub.slurm import authorities, certificates
from hpcbinderhub.slurm.authorities import AuthorityCommand, AuthorityService
from hpcbinderhub.slurm.certificates import Certificates
from hpcbinderhub.slurm.signing import SigningPolicy
from hpcbinderhub.slurm.transport.configured import authority_of

AGENT = "/usr/libexec/hpcbinderhub/agent"


@pytest.fixture
def signer(tmp_path: Path) -> Signer:
    make_key(tmp_path / "authority")
    return Signer(SigningPolicy(tmp_path / "authority", AGENT, "127.0.0.1"))


FOR_ALICE, SHORT = ("-n", "alice"), ("-V", "+5m")
FROM_HERE = ("-O", "source-address=192.0.2.1")
NOTHING_MORE = ("-O", "clear", "-O", f"force-command={AGENT}")
AGENT_ALONE = (*NOTHING_MORE, *FROM_HERE)


class Careless:
    """An authority that signs the way it is told to."""

    def __init__(self, folder: Path, *options: str, change: Callable[[str], str] = str):
        make_key(folder / "careless")
        self.folder = folder
        self.options = options
        self.change = change

    async def sign(self, user: str, public_key: str) -> str:
        """See `hpcbinderhub.slurm.authorities.Authority`."""
        public = self.folder / "key.pub"
        public.write_text(self.change(public_key))
        command = ["ssh-keygen", "-q", "-s", str(self.folder / "careless"), "-I", "x"]
        command += [*self.options, str(public)]
        await asyncio.to_thread(subprocess.run, command, check=True)
        return (self.folder / "key-cert.pub").read_text()


class Says:
    """An authority that answers with a text."""

    def __init__(self, text: str):
        self.text = text
        self.asked = 0

    async def sign(self, user: str, public_key: str) -> str:
        """See `hpcbinderhub.slurm.authorities.Authority`."""
        self.asked += 1
        return self.text


async def test_a_certificate_is_kept_for_as_long_as_it_is_good(signer: Signer) -> None:
    made = Certificates(signer, AGENT)
    first = await made.credential("alice")
    assert first.lasts == 240
    assert await made.credential("alice") is first
    assert await made.credential("alice", renewed=True) is not first
    assert (await made.credential("bob")).key != first.key
    assert signer.signed == 3


async def test_nothing_is_kept_for_longer_than_it_is_good(
    signer: Signer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(certificates, "RENEW_BEFORE_SECONDS", 300)
    made = Certificates(signer, AGENT)
    for user in ("alice", "bob", "alice"):
        await made.credential(user)
    assert signer.signed == 3
    assert list(made._credentials) == ["alice"]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ((*FOR_ALICE, "-V", "+1d", *AGENT_ALONE), "it lasts 86"),
        ((*FOR_ALICE, *AGENT_ALONE), "it lasts 1844"),
        ((*FOR_ALICE, "-V", "-5m:+6m", *AGENT_ALONE), "it lasts 660 s, and not 300"),
        (
            (*FOR_ALICE, "-V", "-1s:+10m", *AGENT_ALONE),
            r"it is good for (600|5\d\d) s from now, and not",
        ),
        ((*FOR_ALICE, "-V", "-1m:+310s", *AGENT_ALONE), "good for 3.. s from now"),
        (("-n", "bob", *SHORT, *AGENT_ALONE), "it is for somebody else"),
        (("-n", "alice,root", *SHORT, *AGENT_ALONE), "not for one user alone"),
        # One without principals is good for all.
        ((*SHORT, *AGENT_ALONE), "not for one user alone"),
        (("-h", *FOR_ALICE, *SHORT), "it is for another key"),
        ((*FOR_ALICE, *SHORT), f"its force-command is not {AGENT}"),
        ((*FOR_ALICE, *SHORT, "-O", "force-command=/bin/sh"), "its force-command is not"),
        ((*FOR_ALICE, *SHORT, *NOTHING_MORE), "it has no source-address"),
        *(
            (
                (*FOR_ALICE, *SHORT, *NOTHING_MORE, "-O", f"source-address={all_there_are}"),
                "it has no",
            )
            for all_there_are in ("0.0.0.0/0", "192.0.2.1,::/0")
        ),
        (
            (*FOR_ALICE, *SHORT, *AGENT_ALONE, "-O", "permit-port-forwarding"),
            "it has permit-port-forwarding, which nobody needs",
        ),
        (
            (*FOR_ALICE, *SHORT, *FROM_HERE, "-O", f"force-command={AGENT}"),
            "it has permit-X11-forwarding, permit-agent-forwarding, permit-port-forwarding",
        ),
    ],
    ids=range(16),
)
async def test_a_certificate_that_allows_more_is_not_used(
    tmp_path: Path, options: tuple[str, ...], sentence: str
) -> None:
    careless = Careless(tmp_path, *options)
    with pytest.raises(Unavailable, match=sentence):
        await Certificates(careless, AGENT).credential("alice")


async def test_a_certificate_of_any_authority_that_allows_no_more_is_used(tmp_path: Path) -> None:
    careless = Careless(tmp_path, *FOR_ALICE, *SHORT, *AGENT_ALONE)
    assert await Certificates(careless, AGENT).credential("alice")
    with pytest.raises(Unavailable, match="its force-command is not /opt/agent"):
        await Certificates(careless, "/opt/agent").credential("alice")


async def test_one_for_anywhere_is_used_where_the_site_says_so(tmp_path: Path) -> None:
    careless = Careless(tmp_path, *FOR_ALICE, *SHORT, *NOTHING_MORE)
    assert await Certificates(careless, AGENT, from_anywhere=True).credential("alice")


async def test_one_that_opens_connections_is_used_where_the_hop_needs_it(tmp_path: Path) -> None:
    forwards = (*AGENT_ALONE, "-O", "permit-port-forwarding")
    careless = Careless(tmp_path, *FOR_ALICE, *SHORT, *forwards)
    assert await Certificates(careless, AGENT, forwarding=True).credential("alice")
    careless = Careless(tmp_path, *FOR_ALICE, *SHORT, *forwards, "-O", "permit-agent-forwarding")
    with pytest.raises(Unavailable, match="it has permit-agent-forwarding, which nobody needs"):
        await Certificates(careless, AGENT, forwarding=True).credential("alice")


@pytest.mark.parametrize("ahead", [-300, 300])
async def test_the_signers_own_clock_says_how_long(signer: Signer, ahead: int) -> None:
    """Whatever the hub's host takes the time to be."""
    signer.clock = lambda: time.time() + ahead
    assert (await Certificates(signer, AGENT).credential("alice")).lasts == 240


async def test_what_is_no_certificate_of_ours_is_not_used(tmp_path: Path, signer: Signer) -> None:
    make_key(tmp_path / "other")
    other = (tmp_path / "other.pub").read_text()
    swapped = Careless(tmp_path, *FOR_ALICE, *SHORT, *AGENT_ALONE, change=lambda _: other)
    with pytest.raises(Unavailable, match="it is for another key"):
        await Certificates(swapped, AGENT).credential("alice")
    with pytest.raises(Unavailable, match="it is a key and no certificate"):
        await Certificates(Says(other), AGENT).credential("alice")
    for text in ("", "Welcome!", "ssh-ed25519-cert-v01@openssh.com AAAA", "\x00"):
        with pytest.raises(Unavailable, match="No SSH certificate for alice"):
            await Certificates(Says(text), AGENT).credential("alice")


@pytest.mark.parametrize("user", ["root", "slurm", "nobody", "", "-x", "a b", "alice\n", "../x"])
async def test_nobody_is_asked_for_who_is_no_person(user: str) -> None:
    authority = Says("")
    with pytest.raises(Unavailable, match="no certificate for"):
        await Certificates(authority, AGENT).credential(user)
    assert authority.asked == 0


# -- a command -------------------------------------------------------------------------------------


async def test_a_command_that_fails_is_quoted_and_one_that_hangs_is_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fails = "echo sudo: a password is required >&2; exit 1"
    with pytest.raises(Unavailable, match="a password is required"):
        await AuthorityCommand(["sh", "-c", fails]).sign("alice", "ssh-ed25519 AAAA")
    monkeypatch.setattr(authorities, "SIGN_SECONDS", 0.3)
    with pytest.raises(Unavailable, match=r"did not answer in 0\.3 s"):
        await AuthorityCommand(["sh", "-c", "exec sleep 60"]).sign("alice", "ssh-ed25519 AAAA")
    with pytest.raises(Unavailable, match="No such file"):
        await AuthorityCommand(["/nowhere/sign"]).sign("alice", "ssh-ed25519 AAAA")


# -- a service -------------------------------------------------------------------------------------


class Service:
    """An HTTPS service that signs for whoever has its token."""

    def __init__(self, folder: Path, signer: Signer):
        self.signer = signer
        self.asked: list[dict[str, str]] = []
        self.types: list[str] = []
        self.token = folder / "token"
        self.token.write_text("s3cret\n")
        self.authority = trustme.CA()
        self.ca_file = folder / "ca.pem"
        self.authority.cert_pem.write_to_path(str(self.ca_file))
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self.authority.issue_cert("localhost").configure_cert(context)
        application = Application([("/(sign|elsewhere|slow)", SignHandler, {"service": self})])
        self.server = HTTPServer(application, ssl_options=context)
        self.server.listen(0, "127.0.0.1")
        (socket,) = self.server._sockets.values()
        self.url = f"https://localhost:{socket.getsockname()[1]}/sign"

    def client(self) -> AuthorityService:
        """As the hub is configured."""
        return AuthorityService(self.url, str(self.token), str(self.ca_file))


class SignHandler(RequestHandler):
    """The request format that docs/admin.md describes."""

    def initialize(self, service: Service) -> None:
        self.service = service

    async def post(self, where: str) -> None:
        if self.request.headers["Authorization"] != "Bearer s3cret":
            self.set_status(401)
            self.finish("This token is not known.")
        elif where == "elsewhere":
            self.redirect("/sign", status=307)
        elif where == "slow":
            pass
        else:
            asked = json.loads(self.request.body)
            self.service.asked.append(asked)
            self.service.types.append(self.request.headers["Content-Type"])
            self.finish(await self.service.signer.sign(asked["principal"], asked["public_key"]))


@pytest.fixture
async def service(tmp_path: Path, signer: Signer) -> AsyncIterator[Service]:
    made = Service(tmp_path, signer)
    yield made
    made.server.stop()


async def test_a_service_signs_over_https(service: Service) -> None:
    credential = await Certificates(service.client(), AGENT).credential("alice")
    assert credential.certificate
    (asked,) = service.asked
    assert asked.keys() == {"principal", "public_key"}
    assert asked["principal"] == "alice"
    assert service.types == ["application/json"]
    # The token is read each time, so that it can be changed.
    service.token.write_text("another")
    with pytest.raises(Unavailable, match=r"answered 401\. This token is not known"):
        await service.client().sign("alice", "ssh-ed25519 AAAA")
    service.token.unlink()
    with pytest.raises(Unavailable, match="No such file"):
        await service.client().sign("alice", "ssh-ed25519 AAAA")


async def test_a_service_is_who_it_says_and_answers_in_time(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    stranger = AuthorityService(service.url, str(service.token))
    with pytest.raises(Unavailable, match="certificate verify failed"):
        await stranger.sign("alice", "ssh-ed25519 AAAA")
    assert service.asked == []
    service.url = service.url.replace("/sign", "/elsewhere")
    with pytest.raises(Unavailable, match="answered 307"):
        await service.client().sign("alice", "ssh-ed25519 AAAA")
    service.url = service.url.replace("/elsewhere", "/nothing")
    with pytest.raises(Unavailable, match="answered 404"):
        await service.client().sign("alice", "ssh-ed25519 AAAA")
    with pytest.raises(UserError, match="does not begin with https://"):
        authority_of(Site(certificate_url="http://localhost/"))
    with pytest.raises(UserError, match="are both set"):
        authority_of(Site(certificate_url=service.url, certificate_command=["sign"]))
