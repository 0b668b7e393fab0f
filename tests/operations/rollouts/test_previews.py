"""What the preview of a rollout says of its steps, and which guardrails are refused by the traffic of the last hour."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from mlops_tui.analysis.power import Baseline
from mlops_tui.domain.errors import UsageError
from mlops_tui.domain.policy import Direction, Guardrail, GuardrailKind, RolloutDriver, RolloutPolicy, RolloutStep
from mlops_tui.operations.rollouts.previews import Pace, preview_of, step_changes
from mlops_tui.operations.rollouts.starts import prepare_start
from tests.operations.company import Company
from tests.operations.rolling import Traffic, fraud_session, plan_for
from tests.operations.rollouts.test_drivers import ARMS

ERRORS = Guardrail("errors", GuardrailKind.RATE, Direction.LOWER, 0.02)
SCORE = Guardrail("score", GuardrailKind.MEAN, Direction.LOWER, 0.001, is_critical=False)
PLAN = RolloutPolicy(RolloutDriver.FLAG, steps=(RolloutStep(20, timedelta(minutes=10), 500),), guardrails=(ERRORS,))
PACE = Pace(100.0, {"errors": Baseline(0.01), "score": Baseline(0.2, 0.1)})


def said(plan: RolloutPolicy, pace: Pace = PACE) -> list[str]:
    return [change.after for change in step_changes(preview_of(plan, pace))]


def test_the_slowest_guardrail_is_one_that_decides() -> None:
    (text,) = said(replace(PLAN, guardrails=(ERRORS, SCORE)))
    assert "; errors is decided after about " in text
    (text,) = said(replace(PLAN, guardrails=(SCORE,)))
    assert "; score (advisory) is decided after about " in text


def test_a_short_time_is_said_in_words() -> None:
    (text,) = said(replace(PLAN, guardrails=(replace(ERRORS, margin=0.2),)))
    assert text.endswith("of the new version, less than a minute")


def test_the_time_until_a_decision_is_rounded_up() -> None:
    plan = replace(PLAN, steps=(RolloutStep(20, timedelta(seconds=10), 970),))
    assert said(plan, Pace(50.0)) == ["at least 10s, 970 samples per arm, about 2m at the present traffic"]


def test_a_decision_takes_more_samples_where_they_come_in_few_windows() -> None:
    fine, coarse = (
        preview_of(PLAN, replace(PACE, window=timedelta(seconds=seconds))).steps[0].decides for seconds in (1, 60)
    )
    assert fine is not None
    assert coarse is not None
    assert coarse > 1.5 * fine


@pytest.mark.parametrize(
    ("weights", "shares"),
    [
        ({}, "canary 10 %, bold 9.9 %; at least 10m"),
        ({"stable": 80, "canary": 15, "bold": 5}, "canary 15 %, bold 5.1 %; at least 10m"),
    ],
)
def test_each_of_several_new_versions_has_its_share_in_the_steps(weights: dict[str, float], shares: str) -> None:
    plan = replace(PLAN, treatments=("canary", "bold"), weights=weights)
    (text,) = said(plan)
    assert text.startswith(shares)
    assert "of each of the 2 new versions" in text


def test_the_time_of_a_step_is_that_of_the_arm_with_the_least_traffic() -> None:
    plan = replace(PLAN, treatments=("canary", "bold"), weights={"stable": 80, "canary": 15, "bold": 5})
    slow = Pace(1.0, PACE.baselines)
    (step,) = preview_of(plan, slow).steps
    assert step.takes == timedelta(seconds=500 / 0.051)


def test_what_is_never_decided_says_why() -> None:
    faults = replace(ERRORS, name="faults", metric="errors", margin=0.0)
    known = Pace(100.0, {"errors": Baseline(0.01), "faults": Baseline(0.01)})
    (text,) = said(replace(PLAN, guardrails=(ERRORS, faults)), known)
    assert "errors is decided after about" in text
    assert text.endswith("; faults: with a margin of 0 nobody can prove that there is no harm")
    assert said(replace(PLAN, steps=(RolloutStep(100),))) == ["until somebody goes on; nothing is left to compare with"]


def test_without_traffic_it_says_what_nobody_has_seen() -> None:
    unknown = "No traffic was measured yet, so how long the steps take is not known"
    assert preview_of(PLAN, Pace()).warnings == (unknown,)
    assert preview_of(replace(PLAN, guardrails=(ERRORS, SCORE)), Pace()).warnings == (
        f"{unknown}, nor whether it has score",
    )


RATES = """
version: 1
models:
  fraud:
    rollout:
      driver: flag
      steps: [{weight: 5}]
      guardrails: [{name: hits, metric: METRIC, kind: rate, direction: lower, margin: 0.02}]
"""


@pytest.mark.parametrize(
    ("metric", "words"),
    [
        ("prediction.score", "hits cannot be measured: The values of prediction.score are not 0 or 1, as a rate needs"),
        ("attribute.tokens", "hits is unknown: the traffic of the last hour has no numbers of attribute.tokens"),
    ],
)
async def test_a_guardrail_that_the_traffic_cannot_serve_is_refused_with_the_reason(
    company: Company, metric: str, words: str
) -> None:
    async with fraud_session(company) as session, Traffic(session) as traffic:
        await traffic.flow(6, canary=0)
        await plan_for(company, session, RATES.replace("METRIC", metric))
        project = await company.project(session)
        with pytest.raises(UsageError) as caught:
            await prepare_start(session, project, "fraud", ["2.1.0"], "production")
    assert words in str(caught.value)


async def test_a_start_names_a_version_for_every_arm(company: Company) -> None:
    async with fraud_session(company) as session:
        await plan_for(company, session, ARMS)
        project = await company.project(session)
        with pytest.raises(UsageError, match=r"The plan has 2 new arms \(a, b\)") as refused:
            await prepare_start(session, project, "fraud", ("2.1.0",), "production")
        assert refused.value.why == "1 version given"
