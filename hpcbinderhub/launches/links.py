"""What a link asks for beside the repository: `?profile=…&account=…&time=…&gpu_type=…&labpath=…`.

Links are made by others, so the launch page shows what one asks for and starts nothing; the API
takes the same words.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from pydantic import Field, ValidationError

from ..errors import NotAllowed, UserError
from ..profiles import Choices, Name, Profile
from ..repos.opening import what_to_open
from ..repos.spec import RepoSpec
from .admission import Wish
from .options import Line

CHOICES = tuple("time" if name == "minutes" else name for name in Choices.model_fields)
"""The words of a link that choose: fields of `Choices`, but `time` for minutes."""


class LinkOptions(Choices):
    """The words of a link, checked."""

    profile: Name | None = None
    minutes: int | None = Field(default=None, ge=1, le=100_000, alias="time")
    open: Line = ""

    def wish(self, spec: RepoSpec, offered: Sequence[Profile], *, start_when_ready: bool) -> Wish:
        """As the conductor takes it; the first profile that is offered if none is named."""
        if not self.profile and not offered:
            raise NotAllowed("This site offers you no profile.", "Ask your help desk for one.")
        return Wish(
            spec=spec,
            profile=self.profile or offered[0].name,
            choices=self.choices(),
            open=self.open,
            start_when_ready=start_when_ready,
        )


def asked_for(argument: Callable[[str], str]) -> dict[str, str]:
    """What a link asks for, unchecked: every word, empty if it is not in the link."""
    paths = {name: argument(name) for name in ("labpath", "filepath", "urlpath")}
    return {name: argument(name) for name in ("profile", *CHOICES)} | {
        "open": what_to_open(**paths)
    }


def not_offered(
    wanted: Mapping[str, str], profiles: Sequence[Profile], accounts: Sequence[str]
) -> list[str]:
    """Sentences about what a link asks for and this user cannot have."""
    sentences = []
    profile, account = wanted["profile"], wanted["account"]
    named = [one for one in profiles if one.name == profile]
    if profile and not named:
        sentences.append(
            f"The link asks for the profile “{profile[:64]}”, which this site does not offer you. "
            "Choose another one below."
        )
    if account and account not in accounts:
        sentences.append(
            f"The link asks to charge “{account[:64]}”, which is no account of yours. "
            "Choose another one below."
        )
    # Without a profile that counts, the first is what the page shows.
    for shown in named or profiles[:1]:
        words = [word for word in CHOICES if word != "account" and wanted[word]]
        sentences += filter(None, (_refusal(word, wanted[word], shown) for word in words))
    return sentences


def _refusal(word: str, value: str, profile: Profile) -> str:
    """What is said of one word of a link that this profile does not take; empty if it does."""
    try:
        profile.resources(link_options(lambda name: value if name == word else "").choices())
    except UserError as error:
        return f"{error.message} {error.advice}"
    return ""


def link_options(argument: Callable[[str], str]) -> LinkOptions:
    """What a link asks for, or a sentence about the first thing wrong with it."""
    words = {name: value for name, value in asked_for(argument).items() if value}
    try:
        return LinkOptions.model_validate(words)
    except ValidationError as error:
        first = error.errors()[0]
        field = str(first["loc"][0])
        raise UserError(
            f"{field}={words[field][:80]} in this address: {first['msg']}.",
            "Correct it, or leave it out.",
        ) from error
