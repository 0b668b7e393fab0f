"""A rollout as a tree: plan, steps, arms, guardrails; the step it is on is unfolded, the others are a line each."""

from __future__ import annotations

from collections.abc import Iterator

from mlops_tui.domain.durations import format_duration
from mlops_tui.domain.judgements import GuardrailResult, Verdict
from mlops_tui.domain.policy import Guardrail, RolloutStep
from mlops_tui.domain.rollout_words import conditions_of
from mlops_tui.domain.rollouts import Arm, Rollout
from mlops_tui.screens.rollout_figures import amount
from mlops_tui.screens.states import rollout_state, verdict
from mlops_tui.themes.glyphs import Sign
from mlops_tui.themes.tokens import Token
from mlops_tui.widgets.cells import Align, Cell, number
from mlops_tui.widgets.table_columns import Column
from mlops_tui.widgets.tree import Branch

TREE_COLUMNS = (
    Column("what", "WHAT", 26, flex=1, max_width=60, is_sortable=False),
    Column("weight", "WEIGHT", 7, align=Align.RIGHT, is_sortable=False),
    Column("state", "STATE", 14, is_sortable=False),
    Column("detail", "MORE", 24, flex=2, is_sortable=False),
)


def rollout_branch(rollout: Rollout) -> Branch:
    """The tree of one rollout; its keys stay the same from one reading to the next."""
    steps = [_step(rollout, place, step) for place, step in enumerate(rollout.steps, 1)]
    if rollout.step is None:
        steps = [_now(rollout), *steps]
    name = Cell(f"{rollout.model} {rollout.version} over {rollout.control_version}", Token.STRONG)
    state = rollout_state(rollout.state).cell
    return Branch("plan", (name, number(f"{rollout.weight:g} %"), state, Cell(_plan_text(rollout))), tuple(steps))


def _plan_text(rollout: Rollout) -> str:
    if rollout.plan is None:
        return "the policy file has no plan for it any more"
    return f"by {rollout.driver}, alpha {rollout.plan.alpha:g}"


def _step(rollout: Rollout, place: int, step: RolloutStep) -> Branch:
    current = rollout.progress.step
    is_over = rollout.state.is_over
    title, weight = f"step {place}", number(f"{step.weight} %")
    if place == current and not is_over:
        state = rollout_state(rollout.state)
        cells = (Cell(title, Token.STRONG), weight, state.cell, Cell(_left(rollout)))
        return Branch(title, cells, tuple(_arms(rollout)))
    if place <= current:
        is_last = place == current and is_over
        look = rollout_state(rollout.state).cell if is_last else Cell(f"{Sign.OK.glyph} passed", Token.OK)
        return Branch(title, (Cell(title), weight, look, Cell("")), tuple(_arms(rollout)) if is_last else ())
    return Branch(title, (Cell(title, Token.MUTED), weight, Cell(""), Cell(conditions_of(step), Token.MUTED)))


def _now(rollout: Rollout) -> Branch:
    """The arms as they are, where no step of the plan stands for them."""
    cells = (Cell("now", Token.STRONG), number(f"{rollout.weight:g} %"), rollout_state(rollout.state).cell, Cell(""))
    return Branch("now", cells, tuple(_arms(rollout)))


def _left(rollout: Rollout) -> str:
    needs = rollout.needs
    if needs is None:
        return ""
    parts = [format_duration(needs.soak_left)] if needs.soak_left else []
    missing = sum(needs.samples_left.values())
    if missing:
        parts.append(f"{missing:,} samples")
    if parts:
        return f"needs {', '.join(parts)}"
    return "complete" if rollout.verdict is Verdict.HEALTHY else "has its time and samples"


def _arms(rollout: Rollout) -> Iterator[Branch]:
    for arm in rollout.arms:
        cells = (
            Cell(f"{arm.name} {arm.version or 'unknown'}"),
            number(f"{arm.weight:g} %"),
            Cell(_seen(arm), Token.MUTED),
            Cell(_samples(rollout, arm)),
        )
        rails = () if arm.is_control else tuple(_guardrails(rollout, arm))
        yield Branch(f"arm {arm.name}", cells, rails)


def _seen(arm: Arm) -> str:
    return "" if arm.observed is None else f"seen {arm.observed:.1f} %"


def _samples(rollout: Rollout, arm: Arm) -> str:
    needs = rollout.needs if not rollout.state.is_over else None
    left = needs.samples_left.get(arm.name, 0) if needs else 0
    return f"{arm.samples:,} samples" + (f", needs {left:,}" if left else "")


def _guardrails(rollout: Rollout, arm: Arm) -> Iterator[Branch]:
    found = rollout.judgement.guardrails if rollout.judgement else ()
    results = {result.name: result for result in found if result.treatment == arm.name}
    for rail in rollout.plan.guardrails if rollout.plan else ():
        yield _guardrail(rail, results.get(rail.name), f"{arm.name} {rail.name}")


def _guardrail(rail: Guardrail, result: GuardrailResult | None, key: str) -> Branch:
    name = Cell(rail.name if rail.is_critical else f"{rail.name} (advisory)")
    if result is None:
        return Branch(key, (name, Cell(""), Cell("not judged", Token.MUTED), Cell("")))
    more = "no figure yet"
    if result.difference is not None:
        kind = result.margin_kind
        more = f"harm {amount(result.difference, kind)} of {amount(result.margin, kind)[1:]}"
        more += f", log e {result.log_e:.1f}" if result.log_e is not None else ""
    return Branch(key, (name, Cell(""), verdict(result.verdict).cell, Cell(more)))
