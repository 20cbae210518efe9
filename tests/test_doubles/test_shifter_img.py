"""Contract 3: shifterimg as a caller sees it."""

import http.server
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from fixed_registry import Registry
from gateway_under_test import Gateway
from shifter_double.shifterimg_command import image_line
from site_under_test import IMAGE_ID, Site


def test_pull_then_lookup_then_images(gateway: Gateway, registry: Registry) -> None:
    digest = registry.add_image("lab/tool", "1", gateway.site.shared / "tree")
    assert gateway.shifterimg("lookup", "docker:lab/tool:1").returncode == 1
    # Not as text, which would turn the carriage returns into line ends.
    pulled = gateway.shifterimg("pull", "docker:lab/tool:1", text=False)
    assert (pulled.returncode, pulled.stderr) == (0, b"")
    polls = str(pulled.stdout, "ascii").split("\r\x1b[2K")
    assert re.fullmatch(
        r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d Pulling Image: docker:lab/tool:1, status: READY\n",
        polls[-1],
    )
    looked_up = gateway.shifterimg("lookup", "lab/tool:1")
    assert (looked_up.returncode, looked_up.stdout, looked_up.stderr) == (0, f"{digest}\n", "")
    line = gateway.shifterimg("images").stdout
    when = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d"
    assert re.fullmatch(
        rf"testcluster docker     READY    {digest[:10]}   {when} lab/tool:1 {{20}}\n", line
    )


def test_a_failed_pull_exits_with_0(gateway: Gateway) -> None:
    done = gateway.shifterimg("pull", "docker:lab/nosuch:1")
    assert done.returncode == 0
    assert done.stdout.endswith("Pulling Image: docker:lab/nosuch:1, status: FAILURE\n")
    looked_up = gateway.shifterimg("lookup", "docker:lab/nosuch:1")
    assert (looked_up.returncode, looked_up.stdout) == (1, "")


def test_pullnb_says_0_only_while_it_runs(gateway: Gateway) -> None:
    first = gateway.shifterimg("pullnb", "lab/tool:1")
    assert first.returncode == 0
    assert not first.stdout.endswith("\n")
    gateway.shifterimg("pull", "lab/tool:1")
    after = gateway.shifterimg("pullnb", "lab/tool:1")
    assert after.returncode == 1
    assert after.stdout.endswith("status: READY\n")


def test_images_of_an_empty_gateway(gateway: Gateway) -> None:
    done = gateway.shifterimg("images")
    assert (done.returncode, done.stdout) == (0, "")


def test_expire_is_0_even_for_those_who_may_not(gateway: Gateway) -> None:
    gateway.take_in("ready:1", gateway.site.images / f"{IMAGE_ID}.squashfs")
    for words in (("expire", "custom:ready:1"), ("autoexpire",)):
        done = gateway.shifterimg(*words)
        assert (done.returncode, done.stdout) == (0, "")


def test_verbose_shows_the_answers(gateway: Gateway) -> None:
    found = gateway.shifterimg("-v", "images")
    assert found.stdout == 'Message: {"list": []}\n'
    missing = gateway.shifterimg("--verbose", "lookup", "lab/none:1")
    assert missing.stdout.startswith('Got response: 404\nMessage: {"status": 404')
    pulled = gateway.shifterimg("-v", "pull", "lab/none:1")
    assert "\x1b" not in pulled.stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "Must specify mode (images, lookup, pull)!"),
        (["help"], "Invalid mode specified"),
        (["lookup"], "Missing an argument!"),
        (["-u", "1", "images"], "shifterimg: invalid option -- 'u'"),
        (["-g", "1", "images"], "shifterimg: invalid option -- 'g'"),
    ],
)
def test_wrong_command_lines(site: Site, words: list[str], message: str) -> None:
    done = site.run("shifterimg", *words)
    assert (done.returncode, done.stderr) == (1, f"{message}\n")
    assert "Usage:" in done.stdout


def test_a_gateway_that_is_down(site: Site) -> None:
    done = site.run("shifterimg", "lookup", "lab/tool:1")
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout == "ERROR: failed to contact the image gateway.\n"


def test_a_dead_gateway_may_speak_before_the_id(gateway: Gateway) -> None:
    image_id = gateway.take_in("ready:1", gateway.site.images / f"{IMAGE_ID}.squashfs")
    both = gateway.site.configured("both", imageGateway=f"http://127.0.0.1:9 {gateway.url}")
    seen = set()
    for _ in range(40):
        done = both.run("shifterimg", "lookup", "custom:ready:1")
        assert done.returncode == 0
        seen.add(done.stdout)
        if len(seen) == 2:
            break
    error = "ERROR: failed to contact the image gateway.\n"
    assert seen == {f"{image_id}\n", f"{error}{image_id}\n"}


@contextmanager
def fixed_answer(site: Site, body: str, kind: str, length: bool, wait: float = 0) -> Iterator[Site]:
    """A gateway that answers everything in one way."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            time.sleep(wait)
            self.send_response(200)
            self.send_header("Content-Type", kind)
            if length:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        url = f"http://127.0.0.1:{server.server_port}"
        yield site.configured("fixed-answer", imageGateway=url, gatewayTimeout="1")
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    ("kind", "length"), [("application/json; charset=utf-8", True), ("application/json", False)]
)
def test_replies_it_ignores(site: Site, kind: str, length: bool) -> None:
    with fixed_answer(site, '{"id": "abc"}', kind, length) as odd:
        done = odd.run("shifterimg", "lookup", "lab/tool:1")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_lookup_reply_without_id_kills_it(site: Site) -> None:
    with fixed_answer(site, "{}", "application/json", True) as odd:
        assert odd.run("shifterimg", "lookup", "lab/tool:1").returncode == -11


def test_a_gateway_that_does_not_answer_in_time(site: Site) -> None:
    with fixed_answer(site, "{}", "application/json", True, wait=2) as slow:
        done = slow.run("shifterimg", "lookup", "lab/tool:1")
    assert (done.returncode, done.stdout) == (1, "err 28\n")


def test_a_last_pull_that_is_no_float_shows_1970() -> None:
    record = {"system": "s", "itype": "docker", "status": "READY", "id": "a" * 64}
    assert " 1970-" in image_line("t:1", record | {"last_pull": 1_800_000_000})
    assert " 20" in image_line("t:1", record | {"last_pull": 1_800_000_000.0})


def test_login_asks_and_never_checks(gateway: Gateway) -> None:
    done = gateway.shifterimg(
        "login", "test.registry", input="ada\nwrong\n", start_new_session=True
    )
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.startswith("test.registry username: test.registry password: ")
