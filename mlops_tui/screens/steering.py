"""Views from which a rollout is steered: next step, full, hold, abort; the same keys on the list and on the page."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual.binding import BindingType

from mlops_tui.domain.errors import RefusedError
from mlops_tui.domain.rollout_states import AbortBegun, Held, Phase, PromotionBegun, Resumed, follow
from mlops_tui.domain.rollouts import Hindrance, Rollout
from mlops_tui.screens.acting import act, awaited
from mlops_tui.screens.actions import ROLL_BACK, ROLL_OUT, STEERING_ACTIONS
from mlops_tui.screens.view import View
from mlops_tui.widgets.actions import Refusal, bindings
from mlops_tui.widgets.chooser import Choice, Chooser
from mlops_tui.widgets.form import FormDialog, TextField

if TYPE_CHECKING:
    from mlops_tui.operations.actions import Action

_STEERING = {"rollout.watch", "steering.advance", "steering.full", "steering.hold", "steering.abort", ROLL_BACK.id}


class SteeringView(View):
    """A view that knows which rollout its keys are about; on it, rolling back is aborting."""

    SHARED_SCOPES: ClassVar[tuple[str, ...]] = (*View.SHARED_SCOPES, "steering")
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(STEERING_ACTIONS), *bindings((ROLL_OUT, ROLL_BACK))]

    def steered(self) -> Rollout | None:
        """The rollout under the cursor or on the page, None where there is none."""
        raise NotImplementedError

    def refusal(self, action_id: str) -> Refusal | None:
        """Besides what every view refuses: no rollout, one that is over, a role that GitLab would turn away."""
        general = super().refusal(action_id)
        if general is not None or action_id not in _STEERING:
            return general
        rollout = self.steered()
        if rollout is None:
            return Refusal("nothing chosen", "There is no rollout here to steer; O starts one")
        return _refusal(rollout, action_id)

    def action_advance(self) -> None:
        """Go on to the next step; after the last one to the whole traffic."""
        rollout = self.steered()
        if rollout is not None:
            act(self, "Next step", partial(_prepare_advance, self, rollout))

    def action_full(self) -> None:
        """Give a new version everything now."""
        rollout = self.steered()
        if rollout is not None:
            act(self, "Full", partial(_prepare_full, self, rollout))

    def action_hold(self) -> None:
        """Hold it where it is, or let it go on."""
        rollout = self.steered()
        if rollout is not None:
            is_held = rollout.progress.phase is Phase.HELD
            act(self, "Resume" if is_held else "Hold", partial(_prepare_hold, self, rollout))

    def action_abort(self) -> None:
        """Abort it, and go back to the version before."""
        rollout = self.steered()
        if rollout is not None:
            act(self, "Abort", partial(_prepare_abort, self, rollout))

    def action_roll_back(self) -> None:
        """Going back from a rollout is aborting it."""
        self.action_abort()

    def action_roll_out(self) -> None:
        """Start another rollout."""
        from mlops_tui.screens.rolling_out import roll_out

        roll_out(self, None)


def _refusal(rollout: Rollout, action_id: str) -> Refusal | None:
    """What the state machine would not let follow, in its own words."""
    word = rollout.state.value.replace("_", " ")
    if rollout.state.is_over:
        return Refusal(word, f"The rollout {rollout.id} is {word}; O starts another")
    role = next((obstacle for obstacle in rollout.obstacles if obstacle.kind is Hindrance.ROLE), None)
    if role is not None:
        return Refusal("role", role.text)
    phase, moment = rollout.progress.phase, rollout.progress.since
    if action_id in {"steering.advance", "rollout.watch"}:
        if phase is Phase.ABORTING:
            return Refusal(word, "The rollout is being rolled back; Z finishes that")
        return None
    if action_id == "steering.full" and phase is Phase.PROMOTING:
        return None
    event = {
        "steering.full": PromotionBegun(moment),
        "steering.hold": Resumed() if phase is Phase.HELD else Held(),
    }.get(action_id, AbortBegun(moment))
    try:
        follow(rollout.progress, event, len(rollout.steps))
    except RefusedError as error:
        return Refusal(word, str(error))
    return None


async def _prepare_advance(view: View, rollout: Rollout) -> Action | None:
    from mlops_tui.operations.rollouts.steps import prepare_advance

    session = view.host.session
    if session is None:
        return None
    return await awaited(view, "Preparing the preview…", prepare_advance(session, rollout.address))


async def _prepare_full(view: View, rollout: Rollout) -> Action | None:
    from mlops_tui.operations.rollouts.steps import prepare_full

    session = view.host.session
    arms = [arm for arm in rollout.arms if not arm.is_control]
    arm: str | None = arms[0].name if len(arms) == 1 else None
    if len(arms) > 1:
        choices = [Choice(item.name, item.name, f"{item.version}, {item.weight:g} %") for item in arms]
        arm = await view.app.push_screen_wait(Chooser("Which version gets everything?", choices))
    if session is None or arm is None:
        return None
    return await awaited(view, "Preparing the preview…", prepare_full(session, rollout.address, arm))


async def _prepare_hold(view: View, rollout: Rollout) -> Action | None:
    from mlops_tui.operations.rollouts.steps import prepare_hold, prepare_resume

    session = view.host.session
    if session is None:
        return None
    if rollout.progress.phase is Phase.HELD:
        return await awaited(view, "Preparing the preview…", prepare_resume(session, rollout.address))
    reason = await _reason(view, f"Hold the rollout of {_what(rollout)}", is_required=False)
    if reason is None:
        return None
    return await awaited(view, "Preparing the preview…", prepare_hold(session, rollout.address, reason))


async def _prepare_abort(view: View, rollout: Rollout) -> Action | None:
    from mlops_tui.operations.rollouts.aborts import prepare_abort

    session = view.host.session
    reason = await _reason(view, f"Abort the rollout of {_what(rollout)}", is_required=True)
    if session is None or reason is None:
        return None
    return await awaited(view, "Preparing the preview…", prepare_abort(session, rollout.address, reason))


async def _reason(view: View, title: str, *, is_required: bool) -> str | None:
    """What the person gives as the reason; None when they left."""
    placeholder = "why it has to go" if is_required else "may be empty"
    field = TextField("reason", "Reason, kept in the journal", is_required, placeholder=placeholder)
    answers = await view.app.push_screen_wait(FormDialog(title, (field,)))
    return answers["reason"] if answers is not None else None


def _what(rollout: Rollout) -> str:
    return f"{rollout.model} {rollout.version} in {rollout.environment}, at {rollout.weight:g} %"
