"""The door to the dashboard: is this a terminal that can show it, and what shall it show."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from mlops_tui.cli.logs import logging_to_file
from mlops_tui.widgets.terminal import require_terminal

if TYPE_CHECKING:
    from mlops_tui.config.contexts import Choice
    from mlops_tui.domain.contexts import Context
    from mlops_tui.domain.credentials import FoundCredential
    from mlops_tui.screens.launch import Launch


@dataclass(frozen=True, slots=True)
class Manner:
    """How the dashboard shall behave this once, whatever the settings say."""

    low_bandwidth: bool = False
    no_mouse: bool = False


def open_default() -> int:
    """Open the dashboard on the context that needs no naming; returns the exit status."""
    from mlops_tui.config.contexts import Choice

    return open_chosen(Choice(), None, Manner())


def open_chosen(choice: Choice, token_file: Path | None, manner: Manner) -> int:
    """Open the dashboard on a chosen context; returns the exit status. Raises ConfigError or UsageError."""
    require_terminal(os.environ, sys.stdin, sys.stdout)
    launch = _launch(choice, token_file, manner)
    from mlops_tui.app import run

    with logging_to_file():
        return run(launch.context, launch.credential, launch=launch)


def open_dashboard(context: Context, credential: FoundCredential | None) -> int:
    """Open the dashboard on a context that no settings describe; returns the exit status once it is left."""
    from mlops_tui.app import run

    with logging_to_file():
        return run(context, credential)


def _launch(choice: Choice, token_file: Path | None, manner: Manner) -> Launch:
    """Everything the settings say about this start; the other contexts are resolved when they are asked for."""
    from mlops_tui.app import check_keys
    from mlops_tui.cli.targets import Settings
    from mlops_tui.config.toml_lines import line_of
    from mlops_tui.screens.launch import Launch

    settings = Settings.load()
    target = settings.target(choice, token_file)
    preferences = settings.configuration.preferences
    text = settings.text()
    keys = check_keys(
        preferences.keymap,
        source=settings.configuration.source,
        line_of=lambda action: line_of(text, ("keymap", action)),
    )

    def resolve(name: str) -> tuple[Context, FoundCredential | None]:
        from mlops_tui.config.contexts import Choice

        found = settings.target(Choice(context=name, is_read_only=choice.is_read_only), None, tell=_keep_silent)
        return found.context, found.credential

    return Launch(
        target.context,
        target.credential,
        replace(
            preferences,
            low_bandwidth=preferences.low_bandwidth or manner.low_bandwidth,
            mouse=preferences.mouse and not manner.no_mouse,
        ),
        keys,
        contexts=tuple(settings.configuration.contexts),
        resolve=resolve,
    )


def _keep_silent(message: str) -> None:
    """Drop a line for standard error: the dashboard owns the screen."""
