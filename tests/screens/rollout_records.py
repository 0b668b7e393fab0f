"""Rollouts as the operations hand them to the screens: one in its second step, and what becomes of it."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from mlops_tui.domain.judgements import GuardrailResult, Judgement, Verdict
from mlops_tui.domain.policy import (
    Direction,
    Guardrail,
    GuardrailKind,
    MarginKind,
    RolloutDriver,
    RolloutPolicy,
    RolloutStep,
)
from mlops_tui.domain.projects import ProjectRef
from mlops_tui.domain.rollout_states import Phase, Progress, RolloutState
from mlops_tui.domain.rollouts import (
    Arm,
    EventKind,
    Hindrance,
    Lease,
    Obstacle,
    Rollout,
    RolloutEvent,
    StepProgress,
    TrafficPoint,
    WeightPoint,
)

NOW = datetime(2026, 3, 14, 14, 2, 30, tzinfo=UTC)
BEGUN = NOW - timedelta(minutes=20)
SECOND = NOW - timedelta(minutes=8)
WIDTH = timedelta(seconds=30)
PLAN = RolloutPolicy(
    RolloutDriver.FLAG,
    steps=(
        RolloutStep(5, timedelta(minutes=10), 200),
        RolloutStep(25, timedelta(minutes=10), 500),
        RolloutStep(50, timedelta(minutes=30), 2000),
    ),
    guardrails=(
        Guardrail("errors", GuardrailKind.RATE, Direction.LOWER, 0.02),
        Guardrail("latency_p95", GuardrailKind.QUANTILE, Direction.LOWER, 0.5, MarginKind.RELATIVE, quantile=0.95),
        Guardrail("score", GuardrailKind.MEAN, Direction.HIGHER, 0.05, is_critical=False),
    ),
)


def traffic(error_rate: float) -> tuple[TrafficPoint, ...]:
    """Windows from the beginning until now; ``error_rate`` is the canary's in the last five minutes."""
    dice = random.Random(5)
    points: list[TrafficPoint] = []
    for number in range(int((NOW - BEGUN) / WIDTH)):
        start = BEGUN + number * WIDTH
        share = 0.25 if start >= SECOND else 0.05
        canary = round(200 * share) + dice.randint(-3, 3)
        rate = error_rate if start >= NOW - timedelta(minutes=5) else 0.01
        errors = {"stable": dice.randint(0, 3), "canary": math.floor(canary * rate + dice.random())}
        points.append(TrafficPoint(start, WIDTH, {"stable": 200 - canary, "canary": canary}, errors))
    return tuple(points)


def result(name: str, verdict: Verdict, *harm: float | None, **more: object) -> GuardrailResult:
    """One comparison; ``harm`` is difference, lower and upper bound."""
    rail = next(item for item in PLAN.guardrails if item.name == name)
    difference, lower, upper = harm or (None, None, None)
    found = GuardrailResult(
        name=name,
        treatment="canary",
        verdict=verdict,
        difference=difference,
        lower=lower,
        upper=upper,
        margin=rail.margin,
        margin_kind=rail.margin_kind,
        is_critical=rail.is_critical,
        n={"stable": 3412.0, "canary": 802.0},
        log_e=0.4,
        reason=f"{name} of canary is 0.001 worse, undecided at its margin; observed were 3,412 and 802",
    )
    return replace(found, **more)  # type: ignore[arg-type]  # fields of a test


UNDECIDED = Judgement(
    NOW - timedelta(seconds=15),
    Verdict.CONTINUE,
    "latency_p95 of canary is 2% worse, between -31% and 74%, undecided at its margin of 50%; "
    "observed were 3,412 of stable and 802 of canary at 16 times",
    (
        result("errors", Verdict.HEALTHY, 0.001, -0.006, 0.009, log_e=-2.1),
        result("latency_p95", Verdict.CONTINUE, 0.02, -0.31, 0.74),
        result("score", Verdict.CONTINUE, -0.01, -0.08, 0.06, log_e=-0.6),
    ),
)
BREACHED = Judgement(
    NOW - timedelta(seconds=15),
    Verdict.BREACH,
    "errors of canary is 0.118 worse, at least 0.0412, beyond its margin of 0.02; "
    "observed were 3,412 of stable and 802 of canary at 26 times",
    (
        result("errors", Verdict.BREACH, 0.118, 0.0412, 0.195, log_e=9.7),
        result("latency_p95", Verdict.CONTINUE, 0.02, -0.31, 0.74),
        result("score", Verdict.INSUFFICIENT),
    ),
)


def history(last: Judgement) -> tuple[Judgement, ...]:
    """The judgements that led to the last one."""
    first = last.guardrails[0].difference or 0.0
    shares = [0.1, 0.1, 0.2, 0.1, 0.3, 0.5, 0.8, 1.0]
    return tuple(
        replace(
            last,
            at=last.at - WIDTH * (len(shares) - place),
            guardrails=(replace(last.guardrails[0], difference=first * share), *last.guardrails[1:]),
        )
        for place, share in enumerate(shares, 1)
    )


SOAKING = Rollout(
    id="3f2a90c1",
    project=ProjectRef(101, "acme/fraud"),
    model="fraud",
    version="2.1.0",
    control_version="2.0.0",
    environment="production",
    is_production=True,
    driver=RolloutDriver.FLAG,
    plan=PLAN,
    plan_digest="5d41402a",
    progress=Progress(Phase.RUNNING, 2, SECOND),
    state=RolloutState.SOAKING,
    begun_at=BEGUN,
    arms=(
        Arm("stable", "2.0.0", 75.0, is_control=True, samples=2398, observed=74.9),
        Arm("canary", "2.1.0", 25.0, is_control=False, samples=402, observed=25.1),
    ),
    needs=StepProgress(
        timedelta(minutes=2),
        {"stable": 2398, "canary": 402},
        {"stable": 0, "canary": 98},
        NOW + timedelta(minutes=2),
    ),
    judgement=UNDECIDED,
    verdicts=history(UNDECIDED),
    traffic=traffic(0.01),
    weights=(
        WeightPoint(BEGUN, {"stable": 95.0, "canary": 5.0}),
        WeightPoint(SECOND, {"stable": 75.0, "canary": 25.0}),
    ),
    events=(
        RolloutEvent(BEGUN, EventKind.STARTED, "fraud 2.1.0 gets 5 % of production", "mona"),
        RolloutEvent(SECOND, EventKind.STEPPED, "step 2 of 3: 25 %", "mona"),
    ),
    lease=Lease(1, "mona on console-7", NOW + timedelta(minutes=1)),
    links=("https://gitlab.example.com/acme/fraud/-/feature_flags",),
)
BREACH = replace(SOAKING, id="77c0ffee", judgement=BREACHED, verdicts=history(BREACHED), traffic=traffic(0.13))
ROLLED_BACK = replace(
    BREACH,
    id="0badcafe",
    progress=Progress(Phase.ABORTED, 2, NOW),
    state=RolloutState.ROLLED_BACK,
    arms=tuple(replace(arm, weight=100.0 if arm.is_control else 0.0) for arm in SOAKING.arms),
    needs=None,
    weights=(*SOAKING.weights, WeightPoint(NOW - timedelta(seconds=5), {"stable": 100.0, "canary": 0.0})),
    events=(
        *SOAKING.events,
        RolloutEvent(NOW - timedelta(seconds=15), EventKind.VERDICT, BREACHED.reason),
        RolloutEvent(NOW - timedelta(seconds=5), EventKind.ABORTED, "errors breached: all traffic is back", "mona"),
    ),
    lease=None,
)
BLIND = replace(
    SOAKING,
    id="b11d0000",
    arms=tuple(replace(arm, samples=0, observed=None) for arm in SOAKING.arms),
    needs=StepProgress(timedelta(0), {}, {"stable": 500, "canary": 500}, None),
    judgement=None,
    verdicts=(),
    traffic=(),
    lease=None,
    obstacles=(
        Obstacle(Hindrance.NO_MEASUREMENTS, "No traces are set up for this context, so nothing is measured"),
        Obstacle(Hindrance.PLAN_CHANGED, "The plan in the policy file was changed since the rollout began"),
    ),
)
