"""``O``: choose what to roll out where, look at the steps with their time and samples, confirm, watch it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from mlops_tui.domain.errors import RefusedError
from mlops_tui.domain.policy import RolloutPolicy
from mlops_tui.screens.acting import act, awaited
from mlops_tui.screens.delivering import Aim
from mlops_tui.screens.live import PROD, version_text
from mlops_tui.screens.view import View
from mlops_tui.widgets.chooser import Choice, Chooser

if TYPE_CHECKING:
    from mlops_tui.domain.actions import Receipt
    from mlops_tui.operations.actions import Action
    from mlops_tui.operations.destinations import Destination
    from mlops_tui.operations.models import ModelSummary
    from mlops_tui.operations.session import Session

HOW_TO_PLAN = "Plan one under models.NAME.rollout in .gitlab/mlops.yml (docs/rollouts.md)"


def roll_out(view: View, aim: Aim | None) -> None:
    """Let the person roll out a version of the model aimed at, or of one to choose."""
    act(view, "Roll out", partial(_prepare, view, aim), partial(_open, view))


async def _prepare(view: View, wanted: Aim | None) -> Action | None:
    from mlops_tui.operations.destinations import destinations
    from mlops_tui.operations.models import find_model
    from mlops_tui.operations.rollouts.starts import prepare_start

    session = view.host.session
    if session is None:
        return None
    plans = await awaited(view, "Reading the plans…", _plans(session))
    aim, plan = await _choose_plan(view, plans, wanted) if plans is not None else (None, None)
    summary = await awaited(view, "Reading the versions…", find_model(session, aim.name)) if aim else None
    if aim is None or plan is None or summary is None:
        return None
    versions = await _choose_versions(view, summary, plan, aim.version)
    places = await awaited(view, "Reading what is live where…", destinations(session, aim.project, aim.model))
    if versions is None or places is None:
        return None
    environment = await _choose_environment(view, places, aim, versions)
    if environment is None:
        return None
    action = prepare_start(session, aim.project, aim.model, versions, environment)
    return await awaited(view, "Preparing the preview…", action)


async def _plans(session: Session) -> dict[str, tuple[Aim, RolloutPolicy]]:
    """The models of the context whose policy plans a rollout, by GROUP/PROJECT:NAME."""
    found: dict[str, tuple[Aim, RolloutPolicy]] = {}
    for project in await session.projects():
        policy = await session.policy(project)
        for name, model in policy.models.items():
            if model.rollout is not None:
                aim = Aim(project, name)
                found[aim.name] = (aim, model.rollout)
    return found


async def _choose_plan(
    view: View, plans: dict[str, tuple[Aim, RolloutPolicy]], wanted: Aim | None
) -> tuple[Aim | None, RolloutPolicy | None]:
    """What is aimed at, or a model to choose, with its plan. Raises RefusedError where none is planned."""
    if wanted is not None and wanted.name not in plans:
        raise RefusedError(f"No rollout of {wanted.model} is planned", remedy=HOW_TO_PLAN)
    if not plans:
        raise RefusedError("No project of this context plans a rollout", remedy=HOW_TO_PLAN)
    if wanted is not None:
        return wanted, plans[wanted.name][1]
    name = next(iter(plans))
    if len(plans) > 1:
        choices = [
            Choice(key, aim.model, f"{aim.project.ref.path}, {_steps(plan)}") for key, (aim, plan) in plans.items()
        ]
        chosen = await view.app.push_screen_wait(Chooser("Roll out which model?", choices))
        if chosen is None:
            return None, None
        name = chosen
    return plans[name]


def _steps(plan: RolloutPolicy) -> str:
    return " ▸ ".join(f"{step.weight} %" for step in plan.steps)


async def _choose_versions(
    view: View, summary: ModelSummary, plan: RolloutPolicy, preselected: str
) -> tuple[str, ...] | None:
    """One version for each new arm, in the plan's order."""
    if preselected and len(plan.treatments) == 1:
        return (preselected,)
    chosen: list[str] = []
    for arm in plan.treatments:
        choices = [Choice(item.version, item.version, _note(summary, item.version)) for item in summary.model.versions]
        which = f" as {arm}" if len(plan.treatments) > 1 else ""
        nothing = f"{summary.model.name} has no version yet: register one from a run."
        question = f"Roll out which version of {summary.model.name}{which}?"
        version = await view.app.push_screen_wait(
            Chooser(question, choices, current=preselected or None, nothing=nothing)
        )
        if version is None:
            return None
        chosen.append(version)
    return tuple(chosen)


def _note(summary: ModelSummary, version: str) -> str:
    live_in = summary.live_in(version)
    return f"live in {', '.join(live_in)}" if live_in else ""


async def _choose_environment(
    view: View, places: Sequence[Destination], aim: Aim, versions: Sequence[str]
) -> str | None:
    choices = [_place(place, versions) for place in places]
    preferred = next((place.name for place in places if place.is_production), None)
    question = f"Roll {aim.model} {', '.join(versions)} out in which environment?"
    nothing = f"{aim.project.ref.path} has no environment yet, and the policy file names none."
    current = aim.environment or preferred
    return await view.app.push_screen_wait(Chooser(question, choices, current=current, nothing=nothing))


def _place(place: Destination, versions: Sequence[str]) -> Choice:
    serves = f"over {version_text(place.live)}" if place.live.version else "nothing known to be live"
    note = f"{PROD if place.is_production else place.tier.value} · {serves}"
    is_needless = place.live.version in versions and not place.live.unknown_since
    return Choice(place.name, place.name, note, f"{note}, this very version" if is_needless else "")


def _open(view: View, receipt: Receipt) -> None:
    """Watch the rollout that began."""
    from mlops_tui.screens.acting import tell
    from mlops_tui.screens.rollout import RolloutView

    tell(view, "Roll out", receipt)
    view.app.push_screen(RolloutView(receipt.intent.id[:8]))
