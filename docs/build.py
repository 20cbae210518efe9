"""`make docs`: writes `docs/reference/` from where things are defined; `--check` only looks.

What a trait, a profile's field or a command means is said once, in its own help text; these pages
repeat it in one place. A test sees that they are up to date.
"""

from __future__ import annotations

import argparse
import inspect
import sys
from collections.abc import Iterator
from pathlib import Path

from hpcbinderhub.services.binder.handlers import routes
from hpcbinderhub.services.binder.operations import openapi
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from traitlets import HasTraits, TraitType
from traitlets.config import Configurable, LoggingConfigurable

from hpcbinder.slicer.config import Slicer
from hpcbinder.slicer.http.openapi import openapi as slicer_api
from hpcbinder.slicer.http.operations import GROWTH, OPERATIONS
from hpcbinderhub.app import parser
from hpcbinderhub.builds.fence.policy import BuildPolicy
from hpcbinderhub.builds.jobs.settings import BuildJobs
from hpcbinderhub.hostparts import Bind, HostParts
from hpcbinderhub.profiles import Choice, Component, Profile
from hpcbinderhub.site import Site

Parser = argparse.ArgumentParser
SubParsers = argparse._SubParsersAction
REFERENCE = Path(__file__).parent / "reference"
NOTE = "<!-- Made by docs/build.py from {source}: change it there. -->\n"


def configuration() -> str:
    """All that a facility may set."""
    source = "site/, profiles/, builds/jobs/settings.py and builds/fence/policy.py in hpcbinderhub/"
    lines = [NOTE.format(source=source)]
    lines += ["# Configuration", "", inspect.getdoc(sys.modules[Site.__module__]) or ""]
    for heading, traits in sections():
        lines += ["", f"## {heading.rstrip('.')}"]
        for trait in traits:
            lines += ["", f"### `c.Site.{trait.name}`", "", *described(trait, Site())]
    lines += ["", "## Builders as Slurm jobs", "", inspect.getdoc(BuildJobs) or ""]
    for trait in in_order(BuildJobs):
        lines += ["", f"### `c.BuildJobs.{trait.name}`", "", *described(trait, BuildJobs())]
    lines += ["", "## The fence around builds", "", inspect.getdoc(BuildPolicy) or ""]
    for trait in in_order(BuildPolicy):
        lines += ["", f"### `c.BuildPolicy.{trait.name}`", "", *described(trait, BuildPolicy())]
    lines += ["", "## Profiles", "", inspect.getdoc(Profile) or ""]
    lines += fields(Profile)
    lines += ["", "### What can be a choice", "", inspect.getdoc(Choice) or ""]
    lines += ["", "### `components`", "", inspect.getdoc(Component) or "", *fields(Component)]
    module = sys.modules[HostParts.__module__]
    lines += ["", "### `host` and `gpu_host`", "", inspect.getdoc(module) or "", *fields(HostParts)]
    lines += ["", f"A bind: {inspect.getdoc(Bind)}", *fields(Bind)]
    return "\n".join(lines) + "\n"


def sections() -> Iterator[tuple[str, list[TraitType]]]:
    """The traits below what each part of the site is about, in its order."""
    for part in Site.__bases__:
        traits = in_order(part)
        if traits and part is not LoggingConfigurable:
            yield inspect.getdoc(part) or "", traits


def in_order(configurable: type[HasTraits]) -> list[TraitType]:
    """The traits that a class defines itself, in its source's order."""
    own = configurable.class_own_traits(config=True)
    return [own[name] for name in vars(configurable) if name in own]


def described(trait: TraitType, owner: Configurable) -> list[str]:
    """A trait's type, default and help."""
    kind = {"Unicode": "Text", "Any": "List", "Enum": "Text"}.get(
        type(trait).__name__, type(trait).__name__
    )
    default = owner.trait_defaults(trait.name)
    return [f"{kind}, `{default!r}` unless set.", "", inspect.cleandoc(trait.help)]


def fields(model: type[BaseModel]) -> list[str]:
    """A table of a model's fields."""
    head = ["", "| field | default | meaning |", "|---|---|---|"]
    return head + [row(name, field) for name, field in model.model_fields.items()]


def row(name: str, field: FieldInfo) -> str:
    """One field."""
    value = field.get_default()
    nothing = isinstance(value, BaseModel) and not any(value.model_dump(exclude_unset=True))
    default = "required" if field.is_required() else f"`{ ({} if nothing else value)!r}`"
    if field.default_factory:
        default = "see there"
    return f"| `{name}` | {default} | {field.description or ''} |"


def commands() -> str:
    """The command line."""
    lines = [NOTE.format(source="hpcbinderhub/app.py"), "# Commands"]
    for command, purpose in found(parser(), ""):
        lines += ["", f"## `{command.prog}`", "", purpose]
        actions = [a for a in command._actions if not isinstance(a, argparse._HelpAction)]
        if actions:
            lines += ["", "| argument | meaning |", "|---|---|", *map(argument, actions)]
    return "\n".join(lines) + "\n"


def found(command: Parser, purpose: str) -> Iterator[tuple[Parser, str]]:
    """Every command that does something, and what."""
    below = [action for action in command._actions if isinstance(action, SubParsers)]
    if not below:
        yield command, purpose
    for action in below:
        helps = {choice.dest: choice.help or "" for choice in action._choices_actions}
        for name, choice in action.choices.items():
            yield from found(choice, helps[name])


def names(action: argparse.Action) -> str:
    """How an argument is written."""
    return ", ".join(action.option_strings) or str(action.dest).upper()


def argument(action: argparse.Action) -> str:
    """One row about an argument."""
    default = "" if action.default in (None, False, "==SUPPRESS==") else f" (`{action.default}`)"
    return f"| `{names(action)}` | {action.help or ''}{default} |"


def api() -> str:
    """The REST API, from its OpenAPI description."""
    lines = [NOTE.format(source="services/binder/handlers/"), "# REST API", ""]
    lines += [
        "Below `/services/binder`, with a token of JupyterHub's as `Authorization: Bearer …`.",
        "`GET /services/binder/api/openapi.json` is the same as an OpenAPI description, with the",
        "shapes of all bodies. An error's body has `message`, `advice` and `detail`.",
    ]
    described = openapi(routes("/", ""), "/", "")
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            lines += ["", f"## {method.upper()} {path}", "", f"{operation['summary']}.", ""]
            lines += [operation["description"]]
            shown = [p for p in operation["parameters"] if p["in"] == "query"]
            if shown:
                lines += ["", "| query | meaning |", "|---|---|"]
                lines += [f"| `{p['name']}` | {p['description']} |" for p in shown]
            body = operation.get("requestBody", {}).get("content", {}).get("application/json")
            if body:
                lines += ["", "| body | meaning |", "|---|---|"]
                model = described["components"]["schemas"][
                    body["schema"]["$ref"].rpartition("/")[2]
                ]
                lines += [
                    f"| `{name}` | {field.get('description', '')} |"
                    for name, field in model["properties"].items()
                ]
    return "\n".join(lines) + "\n"


def slicer() -> str:
    """What may be set for the slicer, and what it can be asked for."""
    lines = [
        NOTE.format(source="hpcbinder/slicer/config.py and hpcbinder/slicer/http/operations.py")
    ]
    lines += ["# The slicer: configuration and API", "", inspect.getdoc(Slicer) or ""]
    for trait in in_order(Slicer):
        lines += ["", f"## `c.Slicer.{trait.name}`", "", *described(trait, Slicer())]
    lines += ["", "# What can be asked", ""]
    lines += [
        "Below `hpcbinder/slicer` at the Jupyter server's own address, with its token or cookie.",
        "`openapi.json` there is the same as an OpenAPI description.",
    ]
    for path, methods in slicer_api((*OPERATIONS, GROWTH), "/")["paths"].items():
        operation = methods["get"]
        lines += ["", f"## GET {path}", "", operation["summary"]]
        lines += ["", operation["description"]] if operation["description"] else []
        if operation["parameters"]:
            lines += ["", "| query | meaning |", "|---|---|"]
            lines += [f"| `{p['name']}` | {p['description']} |" for p in operation["parameters"]]
    return "\n".join(lines) + "\n"


PAGES = {
    "configuration.md": configuration,
    "commands.md": commands,
    "api.md": api,
    "slicer.md": slicer,
}


def main() -> int:
    """See the module."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--check", action="store_true", help="write nothing; 1 if out of date")
    check = options.parse_args().check
    stale = []
    REFERENCE.mkdir(exist_ok=True)
    for name, make in PAGES.items():
        path, text = REFERENCE / name, make()
        if not path.exists() or path.read_text() != text:
            stale.append(name)
            if not check:
                path.write_text(text)
    if stale:
        state = "out of date: make docs" if check else "written"
        print(f"docs/reference: {', '.join(stale)} {state}")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
