"""What is advised about Slurm's refusals, by the words that Slurm has for them."""

from __future__ import annotations

import pytest

from hpcbinderhub.slurm.framing import AgentError
from hpcbinderhub.slurm.refusals import explain

POLICY = (
    "sbatch: error: {limit}\nsbatch: error: Batch job submission failed: Job violates "
    "accounting/QOS policy (job submit limit, user's size and/or time limits)"
)


@pytest.mark.parametrize(
    ("words", "advice"),
    [
        (POLICY.format(limit="AssocMaxSubmitJobLimit"), "as many jobs as you may"),
        (POLICY.format(limit="QOSMaxSubmitJobPerUserLimit"), "as many jobs as you may"),
        (POLICY.format(limit="QOSMaxWallDurationPerJobLimit"), "Ask for less time"),
        (POLICY.format(limit="QOSMaxCpuPerUserLimit"), "at a limit of your account"),
        ("allocation failure: Requested time limit is invalid", "Ask for less time"),
    ],
)
def test_a_refusal_is_answered_by_what_was_refused(words: str, advice: str) -> None:
    told = explain(AgentError("slurm", words))
    assert advice in told.advice
    assert told.detail == words
