"""What a user may launch, and how long a launch waits for her."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError
from traitlets import Bool, Float, HasTraits, Integer, List, TraitError, Unicode, validate

from ..errors import UserError
from ..profiles import Profile
from ..repos.spec import parse_link


class Launches(HasTraits):
    """What a user may launch, and how long a launch waits for her."""

    away_seconds = Float(
        30.0,
        config=True,
        help="An owner whose page has been closed for longer is away: nothing is submitted then.",
    )
    parked_hours = Float(
        24.0,
        config=True,
        help="How long a launch whose image is ready waits for its owner; then it expires.",
    )
    record_days = Integer(
        365, config=True, help="How long the record of a launch is kept after its end."
    )
    profiles: Any = List(
        config=True,
        help="""What the launch page offers: a list of dictionaries, see `hpcbinderhub.profiles`.

        Example: `[{'name': 'interactive', 'title': 'Interactive', 'partition': 'interactive'}]`.
        """,
    )
    extend_command = List(
        Unicode(),
        config=True,
        help="""A command that gives a running job more time; users get none if it is empty.

        It gets `{"user": …, "job": …, "minutes": …}` as JSON on standard input, checks that the job
        is one of the hub's and that user's and how long it may become, and exits with 0 if it has
        been extended; otherwise the user is shown what it prints. Slurm lets only operators do
        this: run it as another account than the hub's. Profiles say by how much
        (`extend_minutes`). Example: `['sudo', '-n', '-u', 'slurmop',
        '/usr/local/libexec/extend-job']`. Set by the site's admin.
        """,
    )
    default_repository = Unicode(
        "",
        config=True,
        help="""What the page of recent environments offers to all: provider and spec as in a link.

        Example: `gh/our-centre/getting-started/HEAD`. Like every link, it starts nothing by itself.
        """,
    )
    default_repository_title = Unicode(
        "This site's own environment",
        config=True,
        help="What that page calls `default_repository`.",
    )
    require_association = Bool(
        True,
        config=True,
        help="Refuse a launch, before anything is built, for a user without a Slurm association.",
    )

    @validate("profiles")
    def _check_profiles(self, proposal: Any) -> list[Profile]:
        checked: list[Profile] = []
        for number, entry in enumerate(proposal.value, start=1):
            try:
                checked.append(Profile.model_validate(entry))
            except ValidationError as error:
                first = error.errors()[0]
                where = ".".join(str(part) for part in first["loc"])
                raise TraitError(f"Profile number {number}, “{where}”: {first['msg']}") from error
        names = [profile.name for profile in checked]
        if len(set(names)) < len(names):
            raise TraitError(f"Two profiles have the same name: {', '.join(names)}")
        return checked

    @validate("default_repository")
    def _check_default_repository(self, proposal: Any) -> str:
        given: str = proposal.value
        try:
            if given:
                parse_link(*given.split("/", 1) if "/" in given else (given, ""))
        except UserError as error:
            raise TraitError(f"c.Site.default_repository: {error}") from error
        return given
