"""Views from which a model is promoted, rolled out and rolled back, with the same keys everywhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual.binding import BindingType

from mlops_tui.domain.projects import Project, Role
from mlops_tui.screens.actions import DELIVERY_ACTIONS
from mlops_tui.screens.view import View
from mlops_tui.widgets.actions import Refusal, bindings

if TYPE_CHECKING:
    from mlops_tui.domain.actions import Receipt


@dataclass(frozen=True, slots=True)
class Aim:
    """On what the keys act; ``version`` and ``environment`` are empty where the person still has to choose."""

    project: Project
    model: str
    version: str = ""
    environment: str = ""

    @property
    def name(self) -> str:
        """GROUP/PROJECT:NAME of the model."""
        return f"{self.project.ref.path}:{self.model}"


class DeliveringView(View):
    """A view that knows what its cursor stands on."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings(DELIVERY_ACTIONS)]

    def aim(self) -> Aim | None:
        """What the cursor stands on, None where there is nothing."""
        raise NotImplementedError

    def refusal(self, action_id: str) -> Refusal | None:
        """Besides what every view refuses: nothing to act on, and a role that GitLab would turn away."""
        action = self.host.actions.get(action_id)
        general = super().refusal(action_id)
        if general is not None or action is None or not action.changes:
            return general
        aim = self.aim()
        if aim is None:
            return Refusal("nothing chosen", "There is no model under the cursor")
        if aim.project.role < Role.DEVELOPER:
            where, role = aim.project.ref.path, aim.project.role.title
            return Refusal(f"{role} only", f"This needs the role Developer in {where}, and yours is {role}")
        return None

    def action_promote(self) -> None:
        """Deploy a version to an environment."""
        from mlops_tui.screens.promoting import promote

        aim = self.aim()
        if aim is not None:
            promote(self, aim)

    def action_roll_out(self) -> None:
        """Give a version a growing share of the traffic."""
        from mlops_tui.screens.rolling_out import roll_out

        aim = self.aim()
        if aim is not None:
            roll_out(self, aim)

    def action_roll_back(self) -> None:
        """Go back to a version that was good."""
        from mlops_tui.screens.rolling_back import roll_back

        aim = self.aim()
        if aim is not None:
            roll_back(self, aim)


def follow(view: View, receipt: Receipt) -> None:
    """Show what an action started until it ends."""
    from mlops_tui.screens.following import FollowingView

    view.app.push_screen(FollowingView(receipt))
