"""The only place that touches Textual's private parts, so that an upgrade has one file to check.

Written for Textual 8.2.8, which is pinned exactly.
"""

from __future__ import annotations

from typing import Any, Generic, TypeVar

from textual.app import App
from textual.keys import _character_to_key
from textual.screen import Screen

Result = TypeVar("Result")


class CrashKeeper(App[Result], Generic[Result], inherit_bindings=False):
    """A program that ends on an unexpected error without Textual's traceback, which shows local variables."""

    @property
    def crash(self) -> Exception | None:
        """The error that ended it, for whoever called ``run``."""
        return self._exception

    def _fatal_error(self) -> None:
        self._close_messages_no_wait()


def key_name(written: str) -> str:
    """Textual's long name of a key as people write it: "/" is "slash", "ctrl+/" is "ctrl+slash"."""
    if len(written) == 1:
        return _character_to_key(written)
    *modifiers, last = written.split("+")
    names = [modifier.strip().lower() for modifier in modifiers]
    last = _character_to_key(last) if len(last) == 1 else last.strip().lower()
    return "+".join([*names, last])


def write_to_terminal(app: App[Any], sequence: str) -> bool:
    """Send an escape sequence past the compositor; False where there is no terminal (tests)."""
    driver = app._driver  # noqa: SLF001
    if driver is None or driver.is_headless:
        return False
    driver.write(sequence)
    driver.flush()
    return True


def opened_screens(app: App[Any]) -> list[Screen[Any]]:
    """The screens of every mode that was opened so far, hidden ones included."""
    return [screen for stack in app._screen_stacks.values() for screen in stack]  # noqa: SLF001


def open_in_mode(app: App[Any], mode: str) -> None:
    """Let the program start in this mode; Textual would lay out an empty screen first. Call it before ``run``."""
    app._screen_stacks = {mode: []}  # noqa: SLF001
    app._current_mode = mode  # noqa: SLF001
