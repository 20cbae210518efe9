"""What `check` says of the way to the login nodes, and of Slurm behind it."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import asyncssh
import pytest
from checks.conftest import CONFIG, Slurm
from checks.grounds import found
from slurm.login_node import LoginNode

from hpcbinderhub.checks.clocks import compared
from hpcbinderhub.checks.finding import Outcome
from hpcbinderhub.checks.ground import Ground

Make = Callable[..., Ground]


async def test_a_way_that_works(site: Make, login: LoginNode) -> None:
    login.greeting = "Welcome!\nYou have mail"
    here = site(user="alice")
    certificates = await found("certificates", here)
    assert {finding.outcome for finding in certificates.values()} == {Outcome.OK}
    assert certificates["root"].sentence == "No certificate is given for root."
    findings = await found("transport", here)
    assert {finding.outcome for finding in findings.values()} == {Outcome.OK}, findings
    host = f"127.0.0.1:{login.port}"
    assert list(findings) == [
        *(host, f"{host}: host key", f"{host}: agent as watch", f"{host}: agent as alice")
    ]
    for name in ("clocks", "slurm"):
        findings = await found(name, here)
        assert {finding.outcome for finding in findings.values()} == {Outcome.OK}, findings


async def test_a_host_that_cannot_be_reached(site: Make) -> None:
    finding = (await found("transport", site("c.Site.login_hosts = ['127.0.0.1:1']")))[
        "127.0.0.1:1"
    ]
    assert finding.outcome is Outcome.FAILED
    assert finding.sentence.startswith("Port 1 of 127.0.0.1 cannot be reached")
    assert "firewalls between the hub and it" in finding.advice


async def test_host_keys_that_are_not_known_or_others(site: Make, login: LoginNode) -> None:
    what = f"127.0.0.1:{login.port}: host key"
    known = login.folder / "known"
    other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
    known.write_text(f"[127.0.0.1]:{login.port} {other}")
    finding = (await found("transport", site()))[what]
    assert "shows another host key than the one in" in finding.sentence
    assert finding.advice.startswith("Find out which. Then remove the old line, and ssh-keyscan")
    known.write_text("")
    finding = (await found("transport", site()))[what]
    assert finding.sentence == f"{known} has no key of 127.0.0.1, so it is not spoken to."
    assert finding.advice.startswith(f"ssh-keyscan -p {login.port} 127.0.0.1 >> {known}, after")
    known.unlink()
    assert "cannot be used" in (await found("transport", site()))[what].sentence


async def test_an_agent_of_another_version(site: Make, login: LoginNode, tmp_path: Path) -> None:
    program = tmp_path / "agent.py"
    program.write_text(
        "import json, sys\nrequest = json.load(sys.stdin)\n"
        "said = {'digest': 'x', 'python': '3.9.2', 'time': 0, 'missing': ['sacct']}\n"
        'print(f\'\\n{request["nonce"]} {json.dumps({"ok": said})}\')\n'
    )
    login.command = [sys.executable, str(program)]
    here = site()
    assert here.site.agent_command == "/usr/libexec/hpcbinderhub/agent"
    (looked,) = [
        f for f in (await found("transport", here)).values() if f.what.endswith("agent as watch")
    ]
    assert "These are in none of" in looked.sentence
    program.write_text(program.read_text().replace("['sacct']", "[]"))
    finding = (await found("transport", here))[looked.what]
    assert finding.sentence == "It is another version than the hub's."
    assert "hpcbinderhub agent > /usr/libexec/hpcbinderhub/agent, there" in finding.advice


async def test_no_agent_at_all(site: Make, login: LoginNode) -> None:
    login.command = ["/bin/echo", "This account is closed."]
    finding = (await found("transport", site()))[f"127.0.0.1:{login.port}: agent as watch"]
    assert "This account is closed." in finding.sentence
    assert "See that watch has an account and a home directory there" in finding.advice


async def test_no_certificate(site: Make) -> None:
    finding = (await found("certificates", site("c.Site.certificate_command = ['false']")))["watch"]
    assert finding.sentence.startswith("No certificate was given for watch")
    assert "look at sudo's rules" in finding.advice
    here = site("c.Site.certificate_command = []")
    finding = (await found("certificates", here))["c.Site.certificate_command"]
    assert finding.sentence == "It is not set, so the hub can act as nobody."


async def test_an_authority_that_allows_too_much(site: Make, login: LoginNode) -> None:
    key = login.folder / "authority"
    careless = (
        "import json, subprocess, sys, tempfile, pathlib\n"
        "asked = json.load(sys.stdin)\n"
        "with tempfile.TemporaryDirectory() as folder:\n"
        "    path = pathlib.Path(folder, 'key.pub')\n"
        "    path.write_text(asked['public_key'])\n"
        "    command = ['ssh-keygen', '-q', '-s', sys.argv[1], '-I', 'x', '-V', '+1d']\n"
        "    subprocess.run([*command, '-n', asked['principal'] + ',root', path], check=True)\n"
        "    print(path.with_name('key-cert.pub').read_text())\n"
    )
    command = [sys.executable, "-c", careless, str(key)]
    findings = await found("certificates", site(f"c.Site.certificate_command = {command!r}"))
    assert "it lasts 86" in findings["lifetime"].sentence
    assert findings["lifetime"].advice.startswith("Have the authority sign for at most 300 s")
    assert findings["principal"].sentence == "A certificate for watch names watch, root."
    assert findings["force-command"].sentence == "A certificate opens a whole shell as that user."
    assert findings["source-address"].outcome is Outcome.FAILED
    assert "set c.Site.certificates_from_anywhere" in findings["source-address"].advice
    assert findings["root"].sentence == "The authority signed a certificate for root."
    assert "hpcbinderhub-sign does" in findings["root"].advice
    assert "permit-port-forwarding), so the hub uses none" in findings["forwarding"].sentence
    lines = f"c.Site.certificate_command = {command!r}\nc.Site.certificates_from_anywhere = True"
    finding = (await found("certificates", site(lines)))["source-address"]
    assert finding.outcome is Outcome.WARNING


async def test_certificates_that_do_not_forward_where_the_hop_needs_it(site: Make) -> None:
    hop = "c.Site.hop = 'login'"
    finding = (await found("certificates", site(hop)))["forwarding"]
    assert finding.outcome is Outcome.FAILED
    assert finding.advice == "Give hpcbinderhub-sign --permit-port-forwarding."
    assert "forwarding" not in await found("certificates", site(hop, forwarding=True))
    assert "forwarding" not in await found("certificates", site())


async def test_an_authority_for_another_agent(site: Make) -> None:
    here = site("c.Site.agent_command = '/opt/agent'")
    finding = (await found("certificates", here))["force-command"]
    assert finding.outcome is Outcome.FAILED
    assert finding.advice == "Make the two the same."


@pytest.mark.parametrize(
    ("theirs", "outcome", "words"),
    [
        (1000, Outcome.OK, "0 s apart"),
        (900, Outcome.WARNING, "99 s apart"),
        (1402, Outcome.FAILED, "400 s apart. Certificates and tickets will be refused."),
    ],
)
def test_clocks_that_are_apart(theirs: float, outcome: Outcome, words: str) -> None:
    finding = compared("it", theirs, 1000, 1002)
    assert finding.outcome is outcome
    assert words in finding.sentence
    assert not finding.advice or "time service" in finding.advice


async def test_the_controllers_clock(site: Make, slurm: Slurm) -> None:
    slurm.shows(str(int(time.time()) - 1000), "PartitionName=p State=UP")
    finding = (await found("clocks", site()))["slurmctld"]
    assert finding.outcome is Outcome.FAILED
    slurm.says("scontrol", "Unable to contact slurm controller", 1)
    finding = (await found("clocks", site()))["slurmctld"]
    assert finding.outcome is Outcome.WARNING
    assert "did not say what time it is" in finding.sentence


async def test_a_slurm_that_does_not_answer(site: Make, slurm: Slurm) -> None:
    slurm.says("scontrol", "Unable to contact slurm controller", 1)
    slurm.says("sacct", "Connection refused", 1)
    findings = await found("slurm", site())
    assert findings["scontrol show config"].sentence == (
        "It does not work as watch: Unable to contact slurm controller"
    )
    assert findings["scontrol show config"].advice.startswith("See that slurmctld runs")
    assert findings["sacct"].advice.startswith("See that slurmdbd runs")
    assert findings["sacctmgr show qos"].outcome is Outcome.OK


async def test_settings_that_do_not_suit(site: Make, slurm: Slurm) -> None:
    loose = CONFIG.replace("proctrack/cgroup", "proctrack/linuxproc")
    slurm.shows("1", config=loose.replace("associations,limits,qos", "none"))
    findings = await found("slurm", site())
    assert "misses processes whose title has spaces" in findings["ProctrackType"].sentence
    assert "ProctrackType=proctrack/cgroup" in findings["ProctrackType"].advice
    assert findings["AccountingStorageEnforce"].sentence.startswith("It is none: ")


async def test_profiles_and_what_slurm_knows_of_them(site: Make) -> None:
    def offering(**profile: str) -> Ground:
        entry = {"name": "x", "title": "X", "partition": "p"} | profile
        return site(f"c.Site.profiles = [{entry!r}]")

    what = "profile “x”"
    finding = (await found("profiles", offering()))[what]
    assert finding.sentence == "The partition p is up, with 3 nodes."
    finding = (await found("profiles", offering(partition="q")))[what]
    assert finding.sentence == "Slurm has no partition q."
    assert finding.advice == "Set `partition` to one of: gpu, p."
    finding = (await found("profiles", offering(partition="gpu")))[what]
    assert finding.sentence == "The partition gpu is DOWN: jobs wait there."
    finding = (await found("profiles", offering(qos="fast")))[what]
    assert (finding.sentence, finding.advice) == (
        "Slurm has no QOS fast.",
        "Use one of: normal, long.",
    )
    finding = (await found("profiles", offering(qos="long", partition="gpu")))[what]
    assert finding.sentence == "The partition gpu does not take the QOS long."
    assert "AllowQos" in finding.advice
