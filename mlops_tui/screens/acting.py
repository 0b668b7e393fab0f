"""How a view changes something: preview, confirm, run, tell. The same for every action."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

from mlops_tui.domain.actions import Outcome, Receipt
from mlops_tui.domain.errors import MlopsError, UnreachableError
from mlops_tui.screens.view import View
from mlops_tui.widgets.confirm import ConfirmDialog
from mlops_tui.widgets.waiting import WaitDialog

if TYPE_CHECKING:
    from mlops_tui.operations.actions import Action

logger = logging.getLogger(__name__)

Result = TypeVar("Result")
Prepare = Callable[[], "Awaitable[Action | None]"]


def act(view: View, verb: str, prepare: Prepare, done: Callable[[Receipt], None] | None = None) -> None:
    """Let a person carry out an action from ``view``; only one at a time, so that no key fires twice.

    Args:
        view: Where it is done from.
        verb: The word on the confirming button.
        prepare: Makes the preview, after asking what it needs to know; None when the person left that.
        done: Takes the receipt of what was done and shows it, for instance by following a pipeline; without it, and
            for every other outcome, the receipt is told in a toast.
    """
    if any(worker.group == "acting" and worker.is_running for worker in view.app.workers):
        view.notify("Another action is still under way", severity="warning", markup=False)
        return
    view.run_worker(_act(view, verb, prepare, done), group="acting", exit_on_error=False)


async def _act(view: View, verb: str, prepare: Prepare, done: Callable[[Receipt], None] | None) -> None:
    from mlops_tui.gitlab.budget import Priority, reading_as
    from mlops_tui.operations.actions import run

    session = view.host.session
    if session is None:
        return
    try:
        with reading_as(Priority.ACTION):
            action = await prepare()
        typed = await _confirmed(view, verb, action) if action is not None else None
        if action is None or typed is None:
            view.notify("Nothing was sent", markup=False)
            return
        with reading_as(Priority.ACTION):
            receipt = await awaited(view, "Sending…", run(session, action, typed), may_leave=False)
    except UnreachableError as error:
        # Before the intent is written down; after that there is a receipt.
        text = f"GitLab at {view.host.context.url} cannot be reached, so nothing was sent. {error.why}"
        view.notify(text, title=f"{verb}: not done", severity="error", timeout=15, markup=False)
        return
    except MlopsError as error:
        view.notify(str(error), title=f"{verb}: refused", severity="error", timeout=15, markup=False)
        return
    except Exception as error:
        logger.exception("the action failed")
        view.notify(f"{type(error).__name__}: see the log file", title=verb, severity="error", markup=False)
        return
    if receipt is None:
        return
    view.refresh_after_action()
    if done is not None and receipt.outcome is Outcome.DONE:
        done(receipt)
        opened = view.app.screen
        if opened is not view and isinstance(opened, View):
            opened.refresh_after_action()
    else:
        tell(view, verb, receipt)


async def awaited(view: View, text: str, work: Coroutine[Any, Any, Result], *, may_leave: bool = True) -> Result | None:
    """The result of some work that takes a while, while no key reaches the view; None when the person left."""
    task = asyncio.create_task(work)
    dialog = WaitDialog(text, task.cancel if may_leave else None)
    await view.app.push_screen(dialog)
    try:
        return await task
    except asyncio.CancelledError:
        if not task.cancelled():
            raise
        return None
    finally:
        if dialog.is_current:
            await dialog.dismiss(None)


async def _confirmed(view: View, verb: str, action: Action) -> str | None:
    """What the person typed under the preview, None for no."""
    return await view.app.push_screen_wait(ConfirmDialog(action.preview, origin=view.host.context.url, verb=verb))


def tell(view: View, verb: str, receipt: Receipt) -> None:
    """Say what came of an action, with GitLab's page."""
    text = " ".join((receipt.message, *receipt.links[:1]))
    match receipt.outcome:
        case Outcome.DONE:
            view.notify(text, title=verb, timeout=10, markup=False)
        case Outcome.REFUSED:
            view.notify(text, title=f"{verb}: refused", severity="warning", timeout=15, markup=False)
        case Outcome.FAILED | Outcome.UNKNOWN:
            view.notify(text, title=f"{verb}: {receipt.outcome.value}", severity="error", timeout=30, markup=False)
