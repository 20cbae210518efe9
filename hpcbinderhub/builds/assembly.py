"""Making an image without a commit: copies and runs in one working container, converted as it is.

A commit writes every new file twice more before an artefact can be made of it, which for a large
environment is most of a build's time. A Dockerfile always ends in one, so our own steps are a list
of values instead.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from hpcbinderhub.builds import commands, packages
from hpcbinderhub.builds.request import Storage
from hpcbinderhub.builds.steps import Steps


@dataclass(frozen=True)
class Copy:
    """Copy the build context, or a path of another image, to a folder of this one."""

    target: str
    source: str = "."
    from_image: str | None = None
    owner: str | None = None

    def instruction(self) -> str:
        """The step as a Dockerfile would have it."""
        options = [f"--from={self.from_image}"] if self.from_image else []
        options += [f"--chown={self.owner}"] if self.owner else []
        return " ".join(["COPY", *options, self.source, self.target])


@dataclass(frozen=True)
class Run:
    """Run a program as a user of the image, in a folder of the image."""

    user: str
    arguments: tuple[str, ...]
    folder: str = "/"
    packages: bool = False
    """Whether it sees the packages that earlier builds have fetched."""

    def instruction(self) -> str:
        """The step as a Dockerfile would have it."""
        return "RUN " + json.dumps(self.arguments)


@dataclass(frozen=True)
class Assembly:
    """All steps from a base image to a finished one."""

    base: str
    steps: tuple[Copy | Run, ...]
    environment: dict[str, str] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    user: str | None = None

    def containerfile(self) -> str:
        """The same as a Dockerfile, for people and for repo2docker's own view of a build pack."""
        lines = [f"FROM {self.base}"]
        for step in self.steps:
            if isinstance(step, Run):
                lines += [f"USER {step.user}", f"WORKDIR {step.folder}"]
            lines.append(step.instruction())
        lines += [f"ENV {name}={json.dumps(value)}" for name, value in self.environment.items()]
        lines += [f"LABEL {name}={json.dumps(value)}" for name, value in self.labels.items()]
        lines += [f"USER {self.user}"] if self.user else []
        return "\n".join(lines) + "\n"


def assemble(
    storage: Storage,
    assembly: Assembly,
    *,
    name: str,
    context: Path,
    ignorefile: Path,
    given: Steps,
) -> Iterator[str]:
    """Carry out the steps in a working container called ``name``, which stays."""
    count = len(assembly.steps)
    yield f"STEP 0/{count}: FROM {assembly.base}"
    commands.from_image(storage, assembly.base, name)
    for number, step in enumerate(assembly.steps, 1):
        yield f"STEP {number}/{count}: {step.instruction()}"
        if isinstance(step, Run):
            yield from commands.run(
                storage,
                name,
                *step.arguments,
                user=step.user,
                folder=step.folder,
                given=packages.seen_by(storage, given) if step.packages else given,
            )
        else:
            yield from commands.copy(
                storage,
                name,
                step.source if step.from_image else str(context),
                step.target,
                from_image=step.from_image,
                owner=step.owner,
                ignorefile=None if step.from_image else ignorefile,
            )
    commands.configure(
        storage,
        name,
        environment=assembly.environment,
        labels=assembly.labels,
        user=assembly.user,
    )
