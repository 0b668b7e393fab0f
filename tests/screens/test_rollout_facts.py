"""What stands above a rollout: what its step needs, when a verdict can be expected, and who goes on or back."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from textual.geometry import Size

from mlops_tui.domain.judgements import Verdict
from mlops_tui.domain.policy import OnBreach, RolloutStep
from mlops_tui.domain.rollout_states import Phase, Progress
from mlops_tui.domain.rollouts import Hindrance, Lease, Obstacle, Rollout, StepProgress, VerdictEstimate
from mlops_tui.screens.rollout_facts import facts
from mlops_tui.screens.rollout_tree import rollout_branch
from mlops_tui.widgets.text_layout import fold, text_line
from tests.screens.rollout_records import BREACH, NOW, PLAN, ROLLED_BACK, SECOND, SOAKING, UNDECIDED

FULL = StepProgress(timedelta(0), {"stable": 2398, "canary": 502}, {"stable": 0, "canary": 0}, NOW)
READY = replace(SOAKING, needs=FULL)
HEALTHY = replace(READY, judgement=replace(UNDECIDED, verdict=Verdict.HEALTHY))
MANUAL = replace(HEALTHY, plan=replace(PLAN, steps=(PLAN.steps[0], RolloutStep(25), PLAN.steps[2])))
EXPIRED = Lease(1, "mona on console-7", NOW)


def said(record: Rollout) -> str:
    return facts(record, NOW).plain


@pytest.mark.parametrize(
    ("record", "words"),
    [
        (SOAKING, "needs 2m, 98 of canary: ready about"),
        (READY, "the step has its time and samples, and waits for a verdict"),
        (HEALTHY, "the step is complete"),
        (MANUAL, "the step has neither a time nor samples to wait for, so a person goes on"),
    ],
    ids=["soaking", "undecided", "healthy", "manual"],
)
def test_a_step_is_complete_only_when_it_is(record: Rollout, words: str) -> None:
    assert words in said(record)
    assert ("the step is complete" in said(record)) is (record is HEALTHY)


@pytest.mark.parametrize("record", [BREACH, replace(BREACH, needs=FULL)])
def test_after_a_breach_nothing_more_is_needed(record: Rollout) -> None:
    assert "needs" not in said(record)
    assert "the step has" not in said(record)


def test_the_tree_calls_no_undecided_step_complete() -> None:
    assert [rollout_branch(item).children[1].cells[3].text for item in (READY, HEALTHY)] == [
        "has its time and samples",
        "complete",
    ]


@pytest.mark.parametrize(
    ("estimate", "words"),
    [
        (
            VerdictEstimate("errors", "canary", 1200, NOW),
            "estimate: a verdict on errors after about 1,200 more of canary,",
        ),
        (VerdictEstimate("errors", "canary", 1200, None), "more of canary; no pace yet"),
        (
            VerdictEstimate("errors", "canary", 0, None),
            "a verdict on errors was expected by now; the difference may lie",
        ),
        (VerdictEstimate("errors", "canary", None, None, "for a reason"), "cannot be expected: for a reason"),
    ],
)
def test_when_a_verdict_can_be_expected_is_told_as_an_estimate(estimate: VerdictEstimate, words: str) -> None:
    assert words in said(replace(READY, estimate=estimate))
    assert "verdict on" not in said(READY)
    assert "verdict on" not in said(replace(ROLLED_BACK, estimate=estimate))


@pytest.mark.parametrize("lease", [None, EXPIRED])
def test_where_nobody_watches_the_keys_that_help_are_named(lease: Lease | None) -> None:
    assert "nobody watches it: N or W go on" in said(replace(SOAKING, lease=lease))
    assert "nobody watches it: Z goes back to 2.0.0" in said(replace(BREACH, lease=lease))
    held = replace(SOAKING, lease=lease, progress=Progress(Phase.HELD, 2, SECOND))
    assert "nobody watches it: H resumes it" in said(held)
    aborting = replace(SOAKING, lease=lease, progress=Progress(Phase.ABORTING, 2, SECOND))
    assert "nobody watches it: Z goes back to 2.0.0" in said(aborting)


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        (OnBreach.ROLLBACK, "watched by mona on console-7, who goes back to 2.0.0"),
        (OnBreach.HOLD, "watched by mona on console-7, who holds it and goes no further"),
        (OnBreach.TELL, "watched by mona on console-7, who tells it and does nothing"),
    ],
)
def test_after_a_breach_it_says_what_the_watcher_does(policy: OnBreach, words: str) -> None:
    assert words in said(replace(BREACH, plan=replace(PLAN, on_breach=policy)))


BY_HAND = Obstacle(Hindrance.CHANGED_BY_HAND, "the flag fraud-canary was changed by hand")
LONG = replace(UNDECIDED, reason=" ".join(f"reason{number}" for number in range(40)))
CROWDED = replace(
    READY, judgement=LONG, obstacles=(BY_HAND,), lease=None, estimate=VerdictEstimate("errors", "canary", 0, None)
)


@pytest.mark.parametrize("count", [1, 7])
def test_in_a_small_terminal_what_matters_stays_and_the_reason_is_cut(count: int) -> None:
    crowded = replace(CROWDED, obstacles=(BY_HAND,) * count)
    shown = facts(crowded, NOW, room=Size(78, 5)).plain
    lines = [piece for row in shown.split("\n") for piece in fold(text_line(row), 78)]
    assert len(lines) == 5
    assert "over 2.0.0" in shown.split("\n")[0]
    for words in ("changed by hand", "CONTINUE  reason0", "…", "nobody watches it: N or W go on"):
        assert words in shown
    assert ("(and 6 more: d)" in shown) is (count == 7)
    assert "a verdict on errors" not in shown


def test_where_there_is_room_nothing_is_cut() -> None:
    assert facts(CROWDED, NOW, room=Size(118, 9)) == facts(CROWDED, NOW)


@pytest.mark.parametrize("record", [replace(READY, lease=None), replace(BREACH, lease=EXPIRED)])
def test_where_this_program_watches_nobody_is_never_said_not_to(record: Rollout) -> None:
    assert "nobody watches it" in said(record)
    shown = facts(record, NOW, watched="looking for the first time").plain
    assert "This program acts by itself" in shown
    assert "nobody" not in shown
