"""``R``: choose what to go back to, say why, look at the preview, confirm, follow."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from mlops_tui.domain.errors import RefusedError
from mlops_tui.screens.acting import act, awaited
from mlops_tui.screens.delivering import Aim, follow
from mlops_tui.screens.live import PROD, version_text
from mlops_tui.screens.view import View
from mlops_tui.widgets.chooser import Choice, Chooser
from mlops_tui.widgets.form import ChoiceField, FormDialog, TextField
from mlops_tui.widgets.times import age

if TYPE_CHECKING:
    from mlops_tui.domain.deployments import Deployment
    from mlops_tui.operations.actions import Action
    from mlops_tui.operations.destinations import Destination
    from mlops_tui.operations.rollbacks import WaysBack

VERB = "Roll back"


def roll_back(view: View, aim: Aim) -> None:
    """Let the person take the model aimed at back to a version that was good."""
    act(view, VERB, partial(_prepare, view, aim), partial(follow, view))


async def _prepare(view: View, aim: Aim) -> Action | None:
    from mlops_tui.operations.rollbacks import prepare_rollback, ways_back

    session = view.host.session
    if session is None:
        return None
    environment = aim.environment or await _choose_environment(view, aim)
    if environment is None:
        return None
    known = ways_back(session, aim.project, aim.model, environment)
    ways = await awaited(view, "Reading what was good…", known)
    answers = await view.app.push_screen_wait(_form(ways, view.host.clock.now())) if ways else None
    if answers is None:
        return None
    target = int(answers["target"])
    action = prepare_rollback(session, aim.project, aim.model, environment, answers["reason"], target)
    return await awaited(view, "Preparing the preview…", action)


async def _choose_environment(view: View, aim: Aim) -> str | None:
    from mlops_tui.operations.destinations import destinations

    session = view.host.session
    if session is None:
        return None
    every = await awaited(view, "Reading what is live where…", destinations(session, aim.project, aim.model))
    if every is None:
        return None
    places = [place for place in every if place.live.version is not None]
    if not places:
        raise RefusedError(f"Nothing that names {aim.model} is live anywhere", remedy="There is nothing to undo")
    if len(places) == 1:
        return places[0].name
    choices = [_place_choice(place) for place in reversed(places)]
    return await view.app.push_screen_wait(Chooser(f"Roll {aim.model} back in which environment?", choices))


def _place_choice(place: Destination) -> Choice:
    kind = PROD if place.is_production else place.tier.value
    return Choice(place.name, place.name, f"{kind} · live: {version_text(place.live)}")


def _form(ways: WaysBack, now: datetime) -> FormDialog:
    """What to go back to and why; raises RefusedError where there is no way back."""
    if ways.live.deployment is None or not ways.targets:
        raise RefusedError(
            f"No good version of {ways.model} is known to go back to in {ways.environment}",
            why="every earlier version there is unknown or was itself rolled back from",
            remedy="Promote the version you want instead",
        )
    live = ways.live.version or "unknown"
    return FormDialog(
        f"Roll {ways.model} back in {ways.environment}, where {live} is live",
        (
            ChoiceField("target", "Back to", _targets(ways.targets, now), default=str(ways.targets[0].id)),
            TextField("reason", "Reason, kept in the journal", placeholder="why it has to go"),
        ),
    )


def _targets(targets: Sequence[Deployment], now: datetime) -> tuple[Choice, ...]:
    return tuple(
        Choice(
            str(item.id),
            item.deployed.version if item.deployed else "unknown",
            f"{'last known good' if item is targets[0] else 'older'}, deployed {age(item.took_effect_at, now)} ago",
        )
        for item in targets
    )
