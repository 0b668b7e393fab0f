"""``P``: choose a version and an environment, look at the preview, confirm, follow."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from mlops_tui.screens.acting import act, awaited
from mlops_tui.screens.delivering import Aim, follow
from mlops_tui.screens.live import PROD, version_text
from mlops_tui.screens.view import View
from mlops_tui.widgets.chooser import Choice, Chooser

if TYPE_CHECKING:
    from mlops_tui.operations.actions import Action
    from mlops_tui.operations.destinations import Destination
    from mlops_tui.operations.models import ModelSummary


def promote(view: View, aim: Aim) -> None:
    """Let the person promote a version of the model aimed at."""
    act(view, "Promote", partial(_prepare, view, aim), partial(follow, view))


async def _prepare(view: View, aim: Aim) -> Action | None:
    from mlops_tui.operations.destinations import destinations
    from mlops_tui.operations.models import find_model
    from mlops_tui.operations.promotions import prepare_promotion

    session = view.host.session
    if session is None:
        return None
    summary = await awaited(view, f"Reading the versions of {aim.model}…", find_model(session, aim.name))
    version = await _choose_version(view, summary, aim.version) if summary else None
    if version is None:
        return None
    places = await awaited(view, "Reading what is live where…", destinations(session, aim.project, aim.model))
    environment = await _choose_environment(view, places, aim, version) if places is not None else None
    if environment is None:
        return None
    action = prepare_promotion(session, aim.project, aim.model, version, environment)
    return await awaited(view, "Preparing the preview…", action)


async def _choose_version(view: View, summary: ModelSummary, preselected: str) -> str | None:
    choices = [
        Choice(item.version, item.version, _version_note(summary, item.version)) for item in summary.model.versions
    ]
    question = f"Promote which version of {summary.model.name}?"
    nothing = f"{summary.model.name} has no version yet: register one from a run."
    return await view.app.push_screen_wait(Chooser(question, choices, current=preselected or None, nothing=nothing))


async def _choose_environment(view: View, places: Sequence[Destination], aim: Aim, version: str) -> str | None:
    choices = [_place_choice(place, version) for place in places]
    question = f"Promote {aim.model} {version} to which environment?"
    current = aim.environment or next((choice.id for choice in choices if not choice.refusal), None)
    nothing = f"{aim.project.ref.path} has no environment yet, and the policy file names none."
    return await view.app.push_screen_wait(Chooser(question, choices, current=current, nothing=nothing))


def _version_note(summary: ModelSummary, version: str) -> str:
    live_in = summary.live_in(version)
    latest = "newest" if summary.model.latest and summary.model.latest.version == version else ""
    return " · ".join(part for part in (latest, f"live in {', '.join(live_in)}" if live_in else "") if part)


def _place_choice(place: Destination, version: str) -> Choice:
    serves = place.live.version is not None
    note = " · ".join([PROD if place.is_production else place.tier.value, _serving(place)])
    is_needless = (
        serves and place.live.version == version and place.live.share == 100.0 and not place.live.unknown_since
    )
    return Choice(place.name, place.name, note, f"{note}, this very version" if is_needless else "")


def _serving(place: Destination) -> str:
    return f"live: {version_text(place.live)}" if place.live.version is not None else "nothing known to be live"
