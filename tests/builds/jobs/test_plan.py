"""How many builders there should be, and what is handed to Slurm for one."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from traitlets.config import Config

from hpcbinderhub.builds.jobs.book import BuilderJob
from hpcbinderhub.builds.jobs.plan import Builder, Plan, decide, why_it_waits
from hpcbinderhub.builds.jobs.settings import BuildJobs, job_minutes
from hpcbinderhub.builds.jobs.submission import directory_of, submission
from hpcbinderhub.site import Site
from hpcbinderhub.slurm.jobs import Job, Stage
from hpcbinderhub.workspaces import Account

STAGES = (None, Stage.PENDING, Stage.RUNNING, Stage.ENDING)
BUILDERS = st.lists(
    st.builds(
        Builder,
        name=st.uuids().map(str),
        stage=st.sampled_from(STAGES),
        builds=st.booleans(),
        cancelled=st.booleans(),
    ),
    unique_by=lambda builder: builder.name,
    max_size=8,
)


def builders(*kinds: Stage | None, builds: bool = False) -> list[Builder]:
    return [Builder(f"{number}", kind, builds) for number, kind in enumerate(kinds)]


def test_each_build_that_waits_has_one_up_to_the_limit() -> None:
    assert decide(0, [], 4) == Plan()
    assert decide(3, [], 4) == Plan(submit=3)
    assert decide(9, [], 4) == Plan(submit=4)
    assert decide(2, builders(None, Stage.PENDING), 4) == Plan()
    assert decide(2, builders(Stage.RUNNING), 4) == Plan(submit=1)


def test_one_that_builds_or_ends_is_no_help_to_those_who_wait() -> None:
    assert decide(1, builders(Stage.RUNNING, builds=True), 4) == Plan(submit=1)
    assert decide(1, builders(Stage.ENDING), 4) == Plan(submit=1)
    assert decide(1, builders(Stage.RUNNING, builds=True), 1) == Plan()


def test_the_newest_that_does_not_run_yet_goes_first() -> None:
    waiting = builders(Stage.PENDING, Stage.RUNNING, Stage.PENDING)
    assert decide(2, waiting, 4) == Plan(cancel=("2",))
    assert decide(0, waiting, 4) == Plan(cancel=("2", "0"))


@given(st.integers(0, 10), BUILDERS, st.integers(1, 8))
def test_there_are_never_too_many_and_nothing_is_done_and_undone(
    waiting: int, there: list[Builder], most: int
) -> None:
    plan = decide(waiting, there, most)
    assert not (plan.submit and plan.cancel)
    assert plan.submit == 0 or len(there) + plan.submit <= most
    left = [one for one in there if one.name not in plan.cancel]
    after = [*left, *(Builder(f"new {n}", None, False) for n in range(plan.submit))]
    assert decide(waiting, after, most) == Plan()
    for one in there:
        assert one.name not in plan.cancel or one.stage in (None, Stage.PENDING)


def test_options_are_whole_and_hold_no_secret() -> None:
    given = {"partition": "regular", "qos": "preempt", "cpus": 8, "prologue": "module load x"}
    command = ["/sw/bin/hpcbinderhub", "worker", "--config=/sw/etc dir"]
    settings = BuildJobs(
        parent=Site(config=Config(BuildJobs=given | {"user": "b", "command": command}))
    )
    account = Account("b", 901, "/home/b")
    directory = directory_of(settings, account, "hpcbinder-build-1f")
    job = BuilderJob(name="hpcbinder-build-1f", directory=directory, intended=0)
    made = submission(settings, job, job_minutes(3600), {"ticket": "secret"})
    assert made.options == (
        "--job-name=hpcbinder-build-1f",
        "--partition=regular",
        "--qos=preempt",
        "--time=90",
        "--nodes=1",
        "--ntasks=1",
        "--cpus-per-task=8",
        "--mem=8192M",
        "--chdir=/home/b/builders/hpcbinder-build-1f",
        "--output=/home/b/builders/hpcbinder-build-1f/job.log",
        "--no-requeue",
    )
    assert made.script == (
        "#!/bin/bash\numask 077\ntrap '' USR1\nmodule load x\nexec /sw/bin/hpcbinderhub worker "
        "'--config=/sw/etc dir' --job=/home/b/builders/hpcbinder-build-1f\n"
    )
    assert made.claim == {"ticket": "secret"}


def test_slurms_reason_is_told_in_words_of_builders() -> None:
    def waiting(reason: str) -> str:
        return why_it_waits(Job("7", 1, "n", "PENDING", reason, "", 0, 0, 0, ""))

    begins = "A builder waits for a node, as job 7. "
    assert waiting("(Priority)") == begins + "Jobs of higher priority are ahead in the queue."
    limited = begins + "Slurm lets no more builders run at the moment."
    assert waiting("(QOSMaxJobsPerUserLimit)") == waiting("AssocGrpCpuLimit") == limited
    assert waiting("NewReason") == begins + "Slurm says: NewReason."
