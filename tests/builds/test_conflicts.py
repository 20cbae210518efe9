"""uv's explanations, and the two sides that they tell of."""

from __future__ import annotations

from hpcbinderhub.builds.conflicts import reason, two_sides

FIRST = """\
error: No solution found when resolving dependencies
  cause: Because jupyterlab>=4.0.0 depends on traitlets>=5.6.0 and traitlets==5.2.2, we can \
conclude that jupyterlab>=4.0.0 cannot be used.
         And because hpcbinder[server]==0.1.0 depends on jupyterlab>=4, we can conclude that your \
requirements are unsatisfiable.
"""
SECOND = """\
Using Python 3.11.2 environment at: /srv/hpcbinder/env
error: No solution found when resolving dependencies
  cause: Because only hpcbinder[server]==0.1.0 is available and hpcbinder[server]==0.1.0 depends \
on jupyterlab>=4, we can conclude that all versions of hpcbinder[server] depend on jupyterlab>=4.
         And because you require hpcbinder[server] and jupyterlab<4, we can conclude that your \
requirements are unsatisfiable.
"""


def test_what_the_tools_themselves_ask_for_is_a_side() -> None:
    assert (
        two_sides(reason(SECOND.splitlines()))
        == "The repository requires jupyterlab<4, but the tools need jupyterlab>=4."
    )


def test_of_a_lock_it_is_the_version_that_is_held() -> None:
    assert (
        two_sides(reason(FIRST.splitlines()))
        == "The repository requires traitlets==5.2.2, but jupyterlab>=4.0.0 of the tools needs "
        "traitlets>=5.6.0."
    )


def test_the_last_attempt_counts() -> None:
    assert reason((FIRST + SECOND).splitlines()) == reason(SECOND.splitlines())


def test_what_is_too_tangled_is_told_as_it_is() -> None:
    tangled = "Because a was yanked, we can conclude that you require b>=1."
    assert two_sides(tangled).endswith(tangled)
