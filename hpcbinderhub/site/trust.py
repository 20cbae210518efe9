"""Whose code may see its user's home directory."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from traitlets import Bool, Enum, HasTraits, List, TraitError, Unicode, validate

from ..trust.addresses import checked_own_pattern, checked_pattern


class TrustSettings(HasTraits):
    """Whose code may see its user's home directory."""

    home_access = Enum(
        ["never", "trusted"],
        default_value="trusted",
        config=True,
        help="""Whose code may see its user's home directory: nobody's, or that of trusted ones.

        `trusted`: a repository that is the user's own, that this site trusts or that she has said
        she trusts; and only if she asks for it with that launch. A profile can say `never` too.
        """,
    )
    trusted_repositories = List(
        Unicode(),
        config=True,
        help="""Repositories that the site vouches for to all its users: an address, or one that
        ends in `/*` for everything below it.

        Whoever can write to one of them can read the home directories of those who ask for theirs.
        Upper and lower case count, but in the host. Example: `['https://github.com/our-centre/*']`.
        """,
    )
    own_repositories = List(
        Unicode(),
        config=True,
        help="""Repositories that are a user's own: patterns as above, with `{user}` for her name.

        Only at a forge where nobody else can have the name that she has at the hub. Example:
        `['https://gitlab.example.org/{user}/*']`.
        """,
    )
    refuse_unhidden = Bool(
        False,
        config=True,
        help="""Whether an engine that cannot hide the home (Shifter) is for those launches alone
        that were given the home.

        Otherwise it runs everything, and the launch page says what the code will see.
        """,
    )

    @validate("trusted_repositories")
    def _check_trusted_repositories(self, proposal: Any) -> list[str]:
        return _patterns(proposal.value, checked_pattern)

    @validate("own_repositories")
    def _check_own_repositories(self, proposal: Any) -> list[str]:
        return _patterns(proposal.value, checked_own_pattern)


def _patterns(texts: Iterable[str], checked: Callable[[str], str]) -> list[str]:
    try:
        return [checked(text) for text in texts]
    except ValueError as error:
        raise TraitError(str(error)) from error
