"""At the start: what came of actions whose outcome nobody knew, asked of GitLab and told."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from mlops_tui.domain.actions import Outcome
from mlops_tui.domain.errors import MlopsError

if TYPE_CHECKING:
    from textual.app import App

    from mlops_tui.operations.session import Session

_TITLE = "An earlier action"


async def settle(app: App[Any], session: Session) -> None:
    """Reconcile the journal; tells nothing where nothing was unsettled."""
    from mlops_tui.operations.journal import intent_title
    from mlops_tui.operations.reconciliation import reconcile

    try:
        if not await asyncio.to_thread(session.journal.unsettled):
            return
        receipts = await reconcile(session)
    except MlopsError as error:
        app.notify(str(error), title="The journal", severity="warning", timeout=30, markup=False)
        return
    for receipt in receipts:
        severity = "information" if receipt.outcome is Outcome.DONE else "warning"
        text = f"{intent_title(receipt.intent)}: {receipt.message}"
        app.notify(text, title=_TITLE, severity=severity, timeout=30, markup=False)  # type: ignore[arg-type]  # one of Textual's words
