"""What the drawings of a rollout are made of: every arm, every comparison, and nothing that was not measured."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from mlops_tui.domain.policy import MarginKind
from mlops_tui.domain.rollouts import Arm, WeightPoint
from mlops_tui.screens.rollout_figures import LEAST_ERROR_SCALE, amount, intervals, tracks
from mlops_tui.screens.rollout_tree import rollout_branch
from mlops_tui.widgets.tree import Branch
from tests.screens.rollout_records import BEGUN, BLIND, BREACH, NOW, ROLLED_BACK, SOAKING, UNDECIDED

TWO_ARMS = replace(
    SOAKING,
    arms=(*SOAKING.arms, Arm("bold", "3.0.0", 10.0, is_control=False)),
    weights=(WeightPoint(BEGUN, {"stable": 65.0, "canary": 25.0, "bold": 10.0}),),
    judgement=replace(
        UNDECIDED, guardrails=(*UNDECIDED.guardrails, replace(UNDECIDED.guardrails[0], treatment="bold"))
    ),
)


def texts(branch: Branch, depth: int = 0) -> list[str]:
    """The names of a tree, set in by their depth."""
    below = [text for child in branch.children for text in texts(child, depth + 1)]
    return [" " * depth + branch.cells[0].text, *below]


def test_the_tree_unfolds_the_step_it_is_on() -> None:
    assert texts(rollout_branch(SOAKING)) == [
        "fraud 2.1.0 over 2.0.0",
        " step 1",
        " step 2",
        "  stable 2.0.0",
        "  canary 2.1.0",
        "   errors",
        "   latency_p95",
        "   score (advisory)",
        " step 3",
    ]
    first, second, third = rollout_branch(SOAKING).children
    assert [step.cells[2].text for step in (first, second, third)] == ["✓ passed", "● soaking", ""]
    assert third.cells[3].text == "30m and 2,000 samples per arm"


def test_its_keys_stay_while_it_goes_on() -> None:
    def keys(branch: Branch) -> set[str]:
        return {branch.key}.union(*map(keys, branch.children))

    assert keys(rollout_branch(SOAKING)) == keys(rollout_branch(BREACH)) == keys(rollout_branch(BLIND))


def test_a_plan_that_is_gone_leaves_the_arms() -> None:
    names = texts(rollout_branch(replace(SOAKING, plan=None)))
    assert names == ["fraud 2.1.0 over 2.0.0", " now", "  stable 2.0.0", "  canary 2.1.0"]
    assert "no plan" in rollout_branch(replace(SOAKING, plan=None)).cells[3].text


def test_with_several_new_versions_each_has_its_weight_and_its_comparisons() -> None:
    assert [item.name for item in intervals(TWO_ARMS)] == [
        "errors canary",
        "latency_p95 canary",
        "score canary (advisory)",
        "errors bold",
    ]
    names = [track.name for track in tracks(TWO_ARMS, NOW).tracks]
    assert names[:5] == ["weight canary", "weight bold", "errors stable", "errors canary", "errors bold"]
    bold = next(track for track in tracks(TWO_ARMS, NOW).tracks if track.name == "errors bold")
    assert bold.now == "none"
    assert all(value != value for value in bold.ys)


def test_a_single_error_is_no_mountain_and_a_fault_is() -> None:
    calm = next(track for track in tracks(SOAKING, NOW).tracks if track.name == "errors stable")
    assert calm.high is not None
    assert calm.high >= LEAST_ERROR_SCALE
    faulty = next(track for track in tracks(BREACH, NOW).tracks if track.name == "errors canary")
    assert faulty.high == max(value for value in faulty.ys if value == value)


def test_without_measurements_there_is_the_weight_alone() -> None:
    assert [track.name for track in tracks(BLIND, NOW).tracks] == ["weight"]
    assert intervals(BLIND) == ()


def test_time_ends_with_the_rollout() -> None:
    later = NOW + timedelta(days=2)
    assert tracks(ROLLED_BACK, later).end == NOW.timestamp()
    assert tracks(SOAKING, later).end == later.timestamp()


def test_amounts_carry_their_sign_and_their_kind() -> None:
    assert amount(0.0123456, MarginKind.ABSOLUTE) == "+0.0123"
    assert amount(-0.5, MarginKind.RELATIVE) == "-50%"
    assert amount(None, MarginKind.ABSOLUTE) == "?"
