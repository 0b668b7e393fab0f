"""What a watcher does: for every standing of a rollout, what its plan says."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_tui.domain.judgements import Judgement, Verdict
from mlops_tui.domain.policy import OnBreach, OnInsufficient, RolloutDriver, RolloutPolicy, RolloutStep
from mlops_tui.domain.projects import ProjectRef
from mlops_tui.domain.rollout_decisions import Course, decide
from mlops_tui.domain.rollout_states import Phase, Progress, RolloutState, state_of
from mlops_tui.domain.rollouts import Arm, Hindrance, Obstacle, Rollout, StepProgress

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
PLAN = RolloutPolicy(
    RolloutDriver.FLAG, (RolloutStep(5, timedelta(minutes=10), 100), RolloutStep(50, timedelta(0), 0), RolloutStep(100))
)
ENDING = replace(PLAN, steps=(*PLAN.steps[:2], RolloutStep(100, timedelta(minutes=10))))
NOTHING_LEFT = StepProgress(timedelta(0), {"stable": 500, "canary": 200}, {"stable": 0, "canary": 0}, NOW)


def rollout(
    phase: Phase = Phase.RUNNING,
    verdict: Verdict | None = Verdict.HEALTHY,
    *,
    step: int = 1,
    needs: StepProgress = NOTHING_LEFT,
    obstacles: tuple[Obstacle, ...] = (),
    plan: RolloutPolicy = PLAN,
    live: str = "2.0.0",
    is_changing: bool = False,
    arms: int = 1,
) -> Rollout:
    progress = Progress(phase, step, NOW)
    return Rollout(
        id="3f2a90c1",
        project=ProjectRef(7, "acme/fraud"),
        model="fraud",
        version="2.1.0",
        control_version="2.0.0",
        environment="production",
        is_production=True,
        driver=RolloutDriver.FLAG,
        plan=plan,
        plan_digest="5d41402a",
        progress=progress,
        state=state_of(progress, is_changing=is_changing, is_complete=needs.is_complete),
        begun_at=NOW,
        arms=(Arm("stable", live, 95.0, True), *(Arm("canary", "2.1.0", 5.0, False) for _ in range(arms))),
        needs=needs,
        judgement=Judgement(NOW, verdict, "because", ()) if verdict else None,
        obstacles=obstacles,
    )


SOAKING = replace(NOTHING_LEFT, soak_left=timedelta(minutes=1))
SLOW = StepProgress(timedelta(0), {"stable": 500, "canary": 20}, {"stable": 0, "canary": 80}, NOW)
SILENT = StepProgress(timedelta(0), {"stable": 500, "canary": 0}, {"stable": 0, "canary": 100}, None, ("canary",))
UNHEARD = StepProgress(timedelta(0), {"stable": 0, "canary": 0}, {"stable": 0, "canary": 0}, NOW)
IN_FLIGHT = Obstacle(Hindrance.IN_FLIGHT, "deployment 9 is running", stops_watch=False)


@pytest.mark.parametrize(
    ("record", "course"),
    [
        (rollout(), Course.ADVANCE),
        (rollout(needs=SOAKING), Course.WAIT),
        (rollout(needs=SLOW), Course.WAIT),
        (rollout(verdict=None, needs=replace(SILENT, silent=())), Course.WAIT),
        (rollout(verdict=Verdict.INSUFFICIENT, needs=SILENT), Course.HOLD),
        (rollout(verdict=Verdict.CONTINUE), Course.WAIT),
        (rollout(verdict=Verdict.INSUFFICIENT), Course.HOLD),
        (rollout(verdict=None), Course.HOLD),
        (rollout(verdict=None, needs=UNHEARD), Course.WAIT),
        (rollout(verdict=None, needs=replace(UNHEARD, silent=("canary",))), Course.HOLD),
        (rollout(needs=UNHEARD), Course.WAIT),
        (rollout(needs=replace(UNHEARD, silent=("canary",))), Course.HOLD),
        (rollout(step=3, plan=ENDING), Course.ADVANCE),
        (rollout(step=3, plan=ENDING, arms=2), Course.TELL),
        (rollout(verdict=Verdict.INVALID), Course.HOLD),
        (rollout(plan=replace(PLAN, on_insufficient=OnInsufficient.TELL), verdict=None), Course.TELL),
        (rollout(step=2), Course.WAIT),
        (rollout(step=0), Course.ADVANCE),
        (rollout(is_changing=True), Course.WAIT),
        (rollout(is_changing=True, obstacles=(Obstacle(Hindrance.HALF_WAY, "x", False),)), Course.ADVANCE),
        (rollout(Phase.HELD), Course.WAIT),
        (rollout(verdict=Verdict.BREACH, needs=SOAKING), Course.ROLL_BACK),
        (rollout(Phase.HELD, Verdict.BREACH), Course.ROLL_BACK),
        (rollout(Phase.PROMOTING, Verdict.BREACH), Course.ROLL_BACK),
        (rollout(verdict=Verdict.BREACH, plan=replace(PLAN, on_breach=OnBreach.HOLD)), Course.HOLD),
        (rollout(Phase.HELD, Verdict.BREACH, plan=replace(PLAN, on_breach=OnBreach.HOLD)), Course.TELL),
        (rollout(verdict=Verdict.BREACH, plan=replace(PLAN, on_breach=OnBreach.TELL)), Course.TELL),
        (rollout(Phase.PROMOTING, obstacles=(IN_FLIGHT,)), Course.WAIT),
        (rollout(Phase.PROMOTING), Course.TELL),
        (rollout(Phase.PROMOTING, live="2.1.0"), Course.FINISH),
        (rollout(Phase.ABORTING, obstacles=(IN_FLIGHT,)), Course.WAIT),
        (rollout(Phase.ABORTING), Course.ROLL_BACK),
        (rollout(Phase.DONE), Course.OVER),
        (rollout(Phase.ABORTED, Verdict.BREACH), Course.OVER),
    ],
)
def test_what_is_done(record: Rollout, course: Course) -> None:
    decision = decide(record)
    assert (decision.course, bool(decision.reason)) == (course, True)


@given(
    st.sampled_from(Phase),
    st.one_of(st.none(), st.sampled_from(Verdict)),
    st.integers(0, 3),
    st.sampled_from([NOTHING_LEFT, SOAKING, SLOW, SILENT, UNHEARD, replace(UNHEARD, silent=("stable", "canary"))]),
    st.sampled_from([None, *Hindrance]),
    st.booleans(),
)
def test_traffic_is_only_given_to_what_is_healthy_and_unhindered(
    phase: Phase, verdict: Verdict | None, step: int, needs: StepProgress, kind: Hindrance | None, is_changing: bool
) -> None:
    obstacles = (Obstacle(kind, "in the way"),) if kind else ()
    record = rollout(phase, verdict, step=step, needs=needs, obstacles=obstacles, is_changing=is_changing)
    decision = decide(record)
    if decision.course is Course.ADVANCE:
        assert phase is Phase.RUNNING
        assert not obstacles or kind is Hindrance.MISMATCH
        assert verdict is not Verdict.BREACH
        if record.state is RolloutState.READY:
            assert verdict is Verdict.HEALTHY
            assert needs.is_complete
            assert all(needs.samples.values())
    if verdict is Verdict.BREACH and not record.state.is_over and phase is not Phase.ABORTING:
        assert decision.course is Course.ROLL_BACK
