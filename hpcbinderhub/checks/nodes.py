"""What a compute node said of itself, as findings; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ..images.engines.base import Engine
from ..site import Site
from .finding import Finding, failed, ok, warning

Report = Mapping[str, Sequence[str]]

LITTLE_MB = 5000


def of_report(
    what: str, report: Report, engine: type[Engine], site: Site, hub: str
) -> Iterator[Finding]:
    """Everything but the clock, which takes the hub's own."""
    node = f"{what} on {_one(report, 'host') or 'a node'}"
    yield _shared(node, report, site)
    for row in report.get("root", ()):
        yield _data_root(node, row)
    for row in report.get("tmp", ()):
        yield _node_tmp(node, row)
    yield from _engine(node, report, engine, site)
    yield _call_back(node, report, hub)
    if names := report.get("proxy"):
        yield ok(node, f"Jobs have proxies there: {', '.join(names)}.")


def _one(report: Report, name: str) -> str:
    return next(iter(report.get(name, ())), "")


def _shared(node: str, report: Report, site: Site) -> Finding:
    if _one(report, "shared") == "yes":
        return ok(node, "It sees what the login node wrote below c.Site.workspace_root.")
    return failed(
        node,
        "It does not see what the login node wrote below c.Site.workspace_root "
        f"({site.workspace_root}).",
        "Name storage that login and compute nodes share, and mount it on this node.",
    )


def _data_root(node: str, row: str) -> Finding:
    there, _, path = row.partition(" ")
    if there == "yes":
        return ok(node, f"{path} is there.")
    return failed(
        node,
        f"{path} is missing there, or closed to the user.",
        "Mount it on the node, or take it out of c.Site.data_roots.",
    )


def _node_tmp(node: str, row: str) -> Finding:
    there, _, path = row.partition(" ")
    if there == "yes":
        return ok(node, f"Jobs get a TMPDIR of their own in {path}.")
    return failed(
        node,
        f"{path} is missing there, or closed to the user, so that no job starts.",
        "Make it on the node, for users to write; or set c.Site.node_tmp to a directory that is "
        "there.",
    )


def _engine(node: str, report: Report, engine: type[Engine], site: Site) -> Iterator[Finding]:
    if "engine" not in report:
        yield failed(
            node,
            f"{engine.name.capitalize()} is not on a job's PATH there.",
            "Install it on the node; or name what brings it in the profile's `modules` or in "
            "c.Site.job_prologue.",
        )
        return
    yield ok(node, f"{engine.name.capitalize()}: {_one(report, 'engine') or 'it is there'}.")
    if _one(report, "store") == "no" and engine.hides_home:
        yield failed(
            node,
            f"The artefact store {site.artefacts} is missing there, or closed to the user.",
            "Mount it on the node at that path, with mode 0755.",
        )
    if engine.needs_fuse:
        yield from _without_fuse(node, report)
    run = _one(report, "run")
    if run == "yes":
        yield ok(node, "It ran a command in the newest image of the store.")
    elif run:
        yield failed(
            node,
            f"{engine.name.capitalize()} could not run the newest image: {run[3:]}",
            "Look at those words, and at docs/engines.md for what the engine needs.",
        )


def _without_fuse(node: str, report: Report) -> Iterator[Finding]:
    there, folder, free = (*_one(report, "local").split(" "), "", "", "")[:3]
    if _one(report, "fuse") == "no":
        yield warning(
            node,
            "It has no FUSE that users may open, so images are unpacked there, which takes longer.",
            "Load the fuse module, and give /dev/fuse mode 0666.",
        )
        if there != "yes" or int(free or 0) < LITTLE_MB:
            yield failed(
                node,
                f"{folder or 'The node-local directory'} takes no image: it is missing, closed, or "
                f"has only {free or 0} MiB.",
                "Set c.Site.node_local to a directory on the node's disk that users may write.",
            )
    if _one(report, "userns") == "no":
        yield warning(
            node,
            "Users cannot make user namespaces there, which unprivileged engines need.",
            "sysctl user.max_user_namespaces=15000, unless the engine is installed setuid.",
        )


def _call_back(node: str, report: Report, hub: str) -> Finding:
    said = _one(report, "call")
    if said == "yes":
        return ok(node, f"It reaches the hub at {hub}.")
    if not said:
        return warning(
            node,
            "Whether it reaches the hub was not tried: it has neither python3 nor curl.",
            f"Try {hub}/hub/api/ from there by hand.",
        )
    if "CERTIFICATE" in said or "certificate" in said:
        advice = "Set c.Site.ca_file to the authority that signed the hub's certificate."
    else:
        advice = (
            "See that the node knows the name, that firewalls let it reach that port, and whether "
            "it needs a proxy (c.Site.job_prologue can set one)."
        )
    return failed(node, f"It does not reach the hub at {hub}: {said[3:]}", advice)
