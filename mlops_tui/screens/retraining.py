"""Views from which a model is trained again, and the training that was begun, until it ends and is compared."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from textual.binding import BindingType
from textual.content import Content

from mlops_tui.domain.snapshots import Snapshot
from mlops_tui.screens.acting import act, awaited
from mlops_tui.screens.actions import RETRAINING_ACTIONS, TRAINING_ACTIONS
from mlops_tui.screens.feeds import Feed
from mlops_tui.screens.following import LOOK_SECONDS, FollowingView
from mlops_tui.screens.view import View
from mlops_tui.themes.glyphs import Sign
from mlops_tui.themes.tokens import Token
from mlops_tui.widgets.actions import Refusal, bindings
from mlops_tui.widgets.cells import Cell, line
from mlops_tui.widgets.form import FormDialog, TextField

if TYPE_CHECKING:
    from mlops_tui.domain.actions import Receipt
    from mlops_tui.operations.actions import Action
    from mlops_tui.operations.session import Session
    from mlops_tui.operations.training_results import TrainingResult


class RetrainingView(View):
    """A view that knows which model its cursor stands on."""

    SHARED_SCOPES: ClassVar[tuple[str, ...]] = (*View.SHARED_SCOPES, "retraining")
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(RETRAINING_ACTIONS)]

    def trained(self) -> tuple[str, str] | None:
        """The project's path and the model, None where there is nothing."""
        raise NotImplementedError

    def refusal(self, action_id: str) -> Refusal | None:
        """Besides what every view refuses: nothing to train."""
        general = super().refusal(action_id)
        if general is None and action_id.startswith("retraining.") and self.trained() is None:
            return Refusal("nothing chosen", "There is no model under the cursor")
        return general

    def action_retrain(self) -> None:
        """Train the model again."""
        target = self.trained()
        if target is not None:
            act(self, "Train", partial(_prepare, self, *target), partial(_follow, self))


async def _prepare(view: RetrainingView, project_path: str, model: str) -> Action | None:
    session = view.host.session
    field = TextField("reason", "Why", is_required=False, placeholder="empty: what its alerts say")
    answers = await view.app.push_screen_wait(FormDialog(f"Train {model} again", (field,)))
    if session is None or answers is None:
        return None
    return await awaited(view, "Gathering the evidence…", _prepared(session, project_path, model, answers["reason"]))


async def _prepared(session: Session, project_path: str, model: str, reason: str) -> Action:
    from mlops_tui.operations.retraining import prepare_retraining

    return await prepare_retraining(session, await session.directory.project(project_path), model, reason)


def _follow(view: View, receipt: Receipt) -> None:
    view.app.push_screen(TrainingView(receipt))


class TrainingView(FollowingView):
    """A training under way; once it has ended its run is held against that of the live version."""

    NAME = "training"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(TRAINING_ACTIONS)]

    def __init__(self, receipt: Receipt) -> None:
        super().__init__(receipt)
        self._result: TrainingResult | None = None

    @property
    def crumb(self) -> str:
        """What is trained."""
        return f"Train {self._receipt.intent.subject.model}"

    def feeds(self, session: Session) -> Iterable[Feed[Any]]:
        """The pipeline and its log, and what came of it once it has ended."""
        yield from super().feeds(session)
        yield Feed(lambda: self._compared(session), self._take_result, "#receipt", LOOK_SECONDS)

    async def _compared(self, session: Session) -> Snapshot[TrainingResult | None]:
        from mlops_tui.operations.following import FollowState
        from mlops_tui.operations.training_results import training_result

        last = self._last
        if self._result is None and last is not None and last.data.progress.state is FollowState.SUCCEEDED:
            found = await training_result(session, self._receipt)
            return Snapshot(found.data, found.fetched_at, found.source)
        return session.snapshot(self._result)

    def _take_result(self, snapshot: Snapshot[TrainingResult | None]) -> None:
        self._result = snapshot.data
        self._redraw_headline()

    def refusal(self, action_id: str) -> Refusal | None:
        """Besides what every view refuses: nothing to compare yet."""
        general = super().refusal(action_id)
        if general is None and action_id == "training.compare" and len(self._compared_ids()) < 2:
            return Refusal("nothing yet", "There is nothing to compare until the training has logged a run")
        return general

    def action_compare(self) -> None:
        """Hold the new run against that of the live version."""
        from mlops_tui.screens.comparison import ComparisonView

        self.app.push_screen(ComparisonView(self._compared_ids()))

    def _compared_ids(self) -> tuple[str, ...]:
        return self._result.run_ids if self._result else ()

    def headline(self) -> Content:
        """How the training goes, then what came of it."""
        from mlops_tui.operations.following import FollowState

        model = self._receipt.intent.subject.model
        if self._last is None:
            return line(Cell(f"{Sign.WAITING.glyph} {self._receipt.message}", Token.MUTED))
        progress = self._last.data.progress
        match progress.state:
            case FollowState.RUNNING:
                return line(Cell(f"{Sign.RUNNING.glyph} {model} is trained: {progress.message}", Token.RUNNING))
            case FollowState.WAITING:
                return line(Cell(f"{Sign.PAUSED.glyph} {model}: {progress.message}", Token.WARNING))
            case FollowState.FAILED:
                return line(Cell(f"{Sign.FAILED.glyph} {model} was not trained: {progress.message}", Token.ERROR))
            case FollowState.SUCCEEDED:
                said = f": {self._result.sentence}" if self._result else ""
                return line(Cell(f"{Sign.OK.glyph} {model} was trained{said}", Token.OK))
