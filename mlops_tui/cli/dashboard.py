"""The door to the dashboard: is this a terminal that can show it, and what shall it show."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from mlops_tui.domain.errors import UsageError

if TYPE_CHECKING:
    from mlops_tui.config.contexts import Choice
    from mlops_tui.domain.contexts import Context
    from mlops_tui.domain.credentials import FoundCredential

_HEADLESS = "Every screen is a command too: mlops-tui runs list, mlops-tui models list, and mlops-tui --help for more"


def open_default() -> int:
    """Open the dashboard on the context that needs no naming; returns the exit status."""
    from mlops_tui.config.contexts import Choice

    return open_chosen(Choice(), None)


def open_chosen(choice: Choice, token_file: Path | None) -> int:
    """Open the dashboard on a chosen context; returns the exit status. Raises ConfigError or UsageError."""
    require_terminal()
    from mlops_tui.cli.targets import find_target

    target = find_target(choice, token_file)
    return open_dashboard(target.context, target.credential)


def open_dashboard(context: Context, credential: FoundCredential | None) -> int:
    """Open the dashboard on a context; returns the exit status once it is left."""
    from mlops_tui.app import run

    return run(context, credential)


def require_terminal() -> None:
    """Raise UsageError, naming the way without a terminal, where the dashboard cannot be drawn."""
    if os.environ.get("TERM", "") in {"dumb", "unknown", ""}:
        raise UsageError(
            "This terminal cannot show the dashboard",
            why=f"TERM is {os.environ.get('TERM') or 'not set'}",
            remedy=_HEADLESS,
        )
    if not sys.stdin.isatty() or not sys.stdout.isatty():
        raise UsageError("The dashboard needs a terminal", why="the input or the output is none", remedy=_HEADLESS)
