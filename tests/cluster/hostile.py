"""What a hostile image does before and beside the start command. It is put into an image, and runs
there with the tools' own Python: `hostile.py START BOBS_SERVER BOBS_JOB`.

In the partition `interactive` it keeps the start command from going on until it has claimed the
launch itself; elsewhere it lets that go first. What it was answered is in `hostile.json` then, in
the launch's directory.
"""

import json
import os
import signal
import socket
import ssl
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

PRIVATE = "/home/alice/private.txt"
CLAIMANT = "e0" * 16
SPAWNERS = {"exec_prefix": "id", "cmd": ["id"], "user": "bob"}


class Hub:
    """The hub, as the ticket's file says where it is."""

    def __init__(self, claim):
        self.claim = claim
        self.context = ssl.create_default_context(cadata=claim["ca"])

    def post(self, url, body, token=""):
        """Status and words, as soon as there are any."""
        headers = {"Content-Type": "application/json", "Authorization": "token " + token}
        asked = urllib.request.Request(url, json.dumps(body).encode(), headers)
        while True:
            try:
                with urllib.request.urlopen(asked, context=self.context, timeout=30) as answer:
                    return answer.status, answer.read().decode()
            except urllib.error.HTTPError as error:
                if error.code != 503:
                    return error.code, error.read().decode()
            except OSError:
                pass
            time.sleep(0.2)

    def take(self, url, **other):
        """Claim with the ticket that lay there."""
        body = {"ticket": self.claim["ticket"], "job": os.environ["SLURM_JOB_ID"]}
        return self.post(url, {**body, "claimant": CLAIMANT, "tls": True, **other})


def main(launch, start, bobs_server, bobs_job):
    """Everything that it can think of."""
    hub = Hub(json.loads((launch / "claim.json").read_text()))
    own = hub.claim["claim_url"]
    bobs = own.replace("/alice/" + own.split("/")[-2], "/bob/" + bobs_server)
    for name, target in (("job.log", PRIVATE), ("job", None)):
        (launch / name).unlink()
        if target:
            (launch / name).symlink_to(target)
        else:
            (launch / name).write_text(bobs_job)
    (launch / "hostile.began").write_text("")
    if os.environ["SLURM_JOB_PARTITION"] != "interactive":
        os.kill(start, signal.SIGCONT)
        while (launch / "claim.json").exists():
            time.sleep(0.05)
    status, words = hub.take(own)
    said = {"claim": status}
    token = json.loads(words)["env"]["JUPYTERHUB_API_TOKEN"] if status == 200 else ""
    said["user"] = json.loads(words)["env"]["JUPYTERHUB_USER"] if token else ""
    said["as bob"] = [
        hub.take(bobs)[0],
        hub.take(bobs, job=bobs_job)[0],
        hub.post(bobs.replace("claim", "ready"), {"port": 8888}, token)[0],
        hub.post(bobs.replace("claim", "session/ending"), {"why": "idle"}, token)[0],
    ]
    ready = own.replace("claim", "ready")
    said["attributes"] = [
        hub.post(ready, {"port": 8888, name: value}, token)[0] for name, value in SPAWNERS.items()
    ]
    if token:
        with socket.create_server(("", 0)) as other:
            said["port"] = hub.post(ready, {"port": other.getsockname()[1]}, token)[0]
            visitor, _ = other.accept()
            visitor.settimeout(5)
            # The beginning of TLS is all that whoever has no key of the launch gets to see.
            said["heard"] = visitor.recv(1)[0]
            visitor.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            visitor.close()
    (launch / "hostile.part").write_text(json.dumps(said))
    (launch / "hostile.part").rename(launch / "hostile.json")
    os.kill(start, signal.SIGCONT)


if __name__ == "__main__":
    main(Path(os.environ["HOME"]).parent, int(sys.argv[1]), *sys.argv[2:])
