"""From the last lines of a build's log to a sentence for the person who waits."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hpcbinderhub.builds.conflicts import reason, two_sides
from hpcbinderhub.builds.request import FailedEvent

MAX_LINES = 12
MAX_WIDTH = 500

NOTICE = "hpcbinder: "
"""How lines of our own build pack begin, which are not about any step."""

UNREACHABLE = re.compile(
    r"dns error|no such host|could not resolve|name or service not known|name resolution"
    r"|unable to resolve|connection refused|connection reset|connection timed out"
    r"|network is unreachable|no route to host|request failed after|failed to fetch"
    r"|newconnectionerror|max retries exceeded|econnrefused|enotfound|etimedout"
    r"|network was disabled",
    re.IGNORECASE,
)
UNTRUSTED = re.compile(
    r"certificate verify failed|unknownissuer|invalid peer certificate|self[- ]signed certificate"
    r"|unknown authority|unable to get local issuer",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Log:
    """What a log tells: the step that failed, the lines it printed, what our pack had to say."""

    step: str
    lines: tuple[str, ...]
    notice: str = ""

    @classmethod
    def of(cls, lines: Sequence[str]) -> Log:
        """The part of a log that begins with its last step."""
        notices = [line.removeprefix(NOTICE) for line in lines if line.startswith(NOTICE)]
        notice = notices[-1] if notices else ""
        steps = [
            n for n, line in enumerate(lines) if re.match(r"(\[\d+/\d+\] )?STEP \d+(/\d+)?: ", line)
        ]
        if not steps:
            return cls("", tuple(lines), notice)
        step = re.sub(r"^(\[\d+/\d+\] )?STEP \d+(/\d+)?: ", "", lines[steps[-1]])
        return cls(step, tuple(lines[steps[-1] + 1 :]), notice)

    def find(self, pattern: str | re.Pattern[str]) -> re.Match[str] | None:
        """The first line that matches."""
        return next((found for line in self.lines if (found := re.search(pattern, line))), None)

    def block(self, pattern: str | re.Pattern[str]) -> tuple[str, ...]:
        """The first line that matches, and what follows it."""
        for number, line in enumerate(self.lines):
            if re.search(pattern, line):
                return shorten(self.lines[number : number + MAX_LINES])
        return self.tail()

    def tail(self) -> tuple[str, ...]:
        """The last lines."""
        return shorten(self.lines[-MAX_LINES:])


def shorten(lines: Sequence[str]) -> tuple[str, ...]:
    """Lines as they are shown: without what only buildah says, and none too long."""
    noise = re.compile(r"^(Error: )?exit status \d+$|^time=")
    # Of an instruction that it does not know, buildah prints all it keeps in memory.
    said = (line.split(" &imagebuilder")[0] for line in lines if not noise.match(line))
    return tuple(line[:MAX_WIDTH] for line in said)


def no_space(log: Log) -> FailedEvent | None:
    """The disk itself is full, as against the build's own limit."""
    pattern = r"No space left on device|Disk quota exceeded|ENOSPC"
    if not log.find(pattern):
        return None
    return FailedEvent(
        cause="no-space",
        message="The build host has no disk space left.",
        advice="Try again later, and tell your site's admin if it stays so.",
        lines=log.block(pattern),
    )


def file_too_large(log: Log) -> FailedEvent | None:
    """A single file passed the limit of the whole build's disk, so the kernel ended its writer."""
    pattern = r"File size limit exceeded|File too large|exit status 153$"
    if not log.find(pattern):
        return None
    return FailedEvent(
        cause="over-limit",
        message="A build step wrote a file that is larger than all that this site gives a build.",
        advice="Fetch large data when the notebook runs, or ask your site's admin for a higher "
        "limit.",
        lines=log.block(pattern),
    )


def out_of_memory(log: Log) -> FailedEvent | None:
    """A step was killed, which nearly always is the kernel short of memory."""
    if not log.find(r"exit status 137$|signal: killed|MemoryError|Cannot allocate memory"):
        return None
    return FailedEvent(
        cause="out-of-memory",
        message="A build step was killed, most likely since it needed more memory than there is.",
        advice="Build with less at once (fewer parallel compiler jobs), or use packages that come "
        "ready built.",
        lines=log.tail(),
    )


def conda_unreachable(log: Log) -> FailedEvent | None:
    """repo2docker's packs fetch conda itself first, quietly."""
    own_step = "install-base-env" in log.step or "mamba" in log.step.lower()
    hosts = log.find(r"anaconda\.org|micro\.mamba\.pm|conda-forge")
    fetched = log.find(
        r"tar: Child returned status|bzip2.*(EOF|Compressed file ends)|CondaHTTPError"
    )
    failed = fetched or log.find(UNREACHABLE) or log.find(r"Download error|Multi-download failed")
    if not (own_step and failed and (hosts or fetched)):
        return None
    instead = log.notice or "Use a requirements.txt instead of conda."
    return FailedEvent(
        cause="conda-unreachable",
        message="This repository needs conda hosts (conda.anaconda.org, micro.mamba.pm) which "
        "cannot be reached from the build host.",
        advice=f"{instead} Or ask your site's admin for a mirror of conda's hosts.",
        lines=log.tail(),
    )


def tools(log: Log) -> FailedEvent | None:
    """What our own scripts inside the image say."""
    found = log.find(r"^hpcbinder-tools: (no-git|conflict|broken|lock): (.*)")
    if found is None:
        return None
    if found[1] == "no-git":
        return FailedEvent(
            cause="dockerfile",
            message="The image that the Dockerfile makes has no git where its PATH leads.",
            advice="Install git in the Dockerfile, or leave /usr/local/bin on the PATH.",
            lines=log.tail(),
        )
    if found[1] == "lock":
        return FailedEvent(
            cause="repository",
            message=f"The repository's lock file cannot be followed: {found[2]}",
            advice="Lock it again, for Linux and this Python, and commit the new file.",
            lines=log.tail(),
        )
    broken = f"The tools of this hub do not work beside the repository's packages: {found[2]}"
    return FailedEvent(
        cause="tools-conflict",
        message=two_sides(reason(log.lines)) if found[1] == "conflict" else broken,
        advice="Loosen the version pins that are named, or remove JupyterLab, JupyterHub, tornado "
        "and Dask from the repository's requirements; the hub brings its own.",
        lines=log.block(r"^error: No solution|^hpcbinder-tools:"),
    )


def not_found(log: Log) -> FailedEvent | None:
    """A package that nobody offers, in PyPI's or Debian's words."""
    found = log.find(
        r"Because (\S+) was not found in the package registry"
        r"|Unable to locate package (\S+)|Package '?(\S+?)'? has no installation candidate"
        r"|No matching distribution found for ([^\s=<>~!]+) \(from versions: none\)"
    )
    if found is None:
        return None
    name = next(group for group in found.groups() if group)
    file = "apt.txt" if "apt" in log.step else "requirements"
    return FailedEvent(
        cause="package-not-found",
        message=f"There is no package {name} where this site gets packages from.",
        advice=f"Look for a misspelt name in the repository's {file}; a private package needs its "
        "own index.",
        lines=log.block(re.escape(found[0])),
    )


def hash_mismatch(log: Log) -> FailedEvent | None:
    """A file that is not the one that was locked."""
    found = log.find(r"Hash mismatch for `([^`]+)`")
    if found is None:
        return None
    return FailedEvent(
        cause="hash-mismatch",
        message=f"What this site's package index has as {found[1]} is not what the repository has "
        "locked.",
        advice="Lock the repository again if its lock is old or was made for another index; "
        "otherwise tell your site's admin.",
        lines=log.block(re.escape(found[0])),
    )


def no_solution(log: Log) -> FailedEvent | None:
    """Requirements that contradict each other, or ask for a version that does not exist."""
    pattern = (
        r"No solution found when resolving|ResolutionImpossible|No matching distribution found"
    )
    found = log.find(pattern)
    if found is None or log.find("network was disabled"):
        return None
    why = reason(log.lines) if "No solution" in found[0] else log.block(pattern)[0]
    return FailedEvent(
        cause="no-solution",
        message=f"No versions satisfy all of the repository's requirements: {why}",
        advice="Loosen or correct the version pins that are named.",
        lines=log.block(pattern),
    )


def package_build(log: Log) -> FailedEvent | None:
    """A package that comes as source and does not compile."""
    found = log.find(r"Failed to build `?([^`\s]+)`?|Failed building wheel for (\S+)")
    if found is None:
        return None
    return FailedEvent(
        cause="package-build",
        message=f"The package {found[1] or found[2]} has to be compiled, and that failed.",
        advice="Ask for a version that comes ready built for this Python, or list the libraries it "
        "needs in apt.txt.",
        lines=log.block(re.escape(found[0])),
    )


def bad_requirements(log: Log) -> FailedEvent | None:
    """A requirements file that cannot be read."""
    pattern = r"Couldn't parse requirement in `([^`]+)`|Invalid requirement: (.*)"
    found = log.find(pattern)
    if found is None:
        return None
    why = log.find(r"^\s*cause: (.*)")
    what = f"{found[1]}: {why[1]}" if found[1] and why else found[1] or found[2]
    return FailedEvent(
        cause="repository",
        message=f"The requirements of the repository cannot be read: {what}",
        advice="Correct the line that is shown.",
        lines=log.block(pattern),
    )


def post_build(log: Log) -> FailedEvent | None:
    """The repository's own script."""
    if "postBuild" not in log.step:
        return None
    return FailedEvent(
        cause="postbuild",
        message="The repository's postBuild script failed.",
        advice="Its last lines say why; it runs as an ordinary user in the repository's folder.",
        lines=log.tail(),
    )


def network(log: Log) -> FailedEvent | None:
    """A host that cannot be reached or is not trusted."""
    pattern = UNREACHABLE if log.find(UNREACHABLE) else UNTRUSTED
    if log.find(pattern) is None:
        return None
    where = log.find(
        r"https?://([^/\s:\"']+)|host='([^']+)'"
        r"|host address '?([^'\s]+)'?|Could not resolve host: (\S+)"
    )
    host = next((group for group in where.groups() if group), "") if where else ""
    what = host or "A host that the build needs"
    if pattern is UNTRUSTED:
        message = f"{what} shows a certificate that build steps do not trust."
        advice = "Ask your site's admin, who can give build steps a certificate bundle."
    else:
        message = f"{what} cannot be reached from the build host."
        advice = "Try again; if it stays so, ask your site's admin whether there is a mirror of it."
    return FailedEvent(cause="network", message=message, advice=advice, lines=log.block(pattern))


def base_image(log: Log) -> FailedEvent | None:
    """The image that a Dockerfile begins with cannot be had."""
    if not log.step.upper().startswith("FROM ") or not log.find(r"creating build container"):
        return None
    image = log.step.split()[1]
    return FailedEvent(
        cause="dockerfile",
        message=f"The base image {image} cannot be had from where this site gets images.",
        advice="Check its name; if it is right, ask your site's admin whether the build host can "
        "reach its registry.",
        lines=log.tail(),
    )


def failed_step(log: Log) -> FailedEvent | None:
    """Any other step of a Dockerfile."""
    found = log.find(r'building at STEP "(.*)": (.*)')
    if found is None:
        return None
    why = found[2].split(" &imagebuilder")[0].removeprefix("Build error: ")
    return FailedEvent(
        cause="dockerfile",
        message=f"A step of the Dockerfile failed: {found[1].strip()[:200]} ({why[:200]}).",
        advice="Its last lines say why.",
        lines=log.tail(),
    )


# In this order: the more a rule knows, the earlier it is asked.
RULES: tuple[Callable[[Log], FailedEvent | None], ...] = (
    file_too_large,
    no_space,
    conda_unreachable,
    out_of_memory,
    post_build,
    hash_mismatch,
    not_found,
    bad_requirements,
    package_build,
    base_image,
    network,
    tools,
    no_solution,
    failed_step,
)


def diagnose(lines: Sequence[str], error: BaseException | None = None) -> FailedEvent:
    """The last event of a build that failed with these lines."""
    if isinstance(error, (ValueError, TypeError, RuntimeError)) and not isinstance(error, OSError):
        # What repo2docker asks elsewhere while it writes a Dockerfile.
        unreachable = network(Log("", (str(error),)))
        if unreachable is not None:
            return unreachable
        return FailedEvent(
            cause="repository",
            message=str(error) or "The repository's configuration cannot be used.",
            advice="Correct the file that is named in the repository.",
            lines=shorten(lines[-3:]),
        )
    # What the system says to ourselves is in no log.
    log = Log.of([*lines, str(error)] if isinstance(error, OSError) else lines)
    for rule in RULES:
        event = rule(log)
        if event is not None:
            return event
    return FailedEvent(
        cause="internal",
        message=f"The build ended for a reason that the builder does not know: {error}",
        advice="The last lines of the log may say more; otherwise ask your site's admin.",
        lines=log.tail(),
    )
