"""What a view may ask of the program that shows it; the application fulfils it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from mlops_tui.domain.clock import Clock
from mlops_tui.domain.contexts import Context
from mlops_tui.screens.first_frame import FirstFrame
from mlops_tui.screens.watching import Watches
from mlops_tui.widgets.actions import Registry
from mlops_tui.widgets.commands import ViewName
from mlops_tui.widgets.header import Connection, Standing
from mlops_tui.widgets.pace import Pace

if TYPE_CHECKING:
    from mlops_tui.operations.session import Session


class Host(Protocol):
    """The program around a view."""

    @property
    def clock(self) -> Clock:
        """The time."""
        ...

    @property
    def context(self) -> Context:
        """Which GitLab this is about."""
        ...

    @property
    def session(self) -> Session | None:
        """The open session, None until everything is loaded."""
        ...

    @property
    def actions(self) -> Registry:
        """Every action of the program."""
        ...

    @property
    def standing(self) -> Standing:
        """What the header says."""
        ...

    @property
    def watches(self) -> Watches:
        """The rollouts that this program acts on by itself."""
        ...

    @property
    def is_paused(self) -> bool:
        """Whether nothing is asked for until the person wants it."""
        ...

    @property
    def view_names(self) -> Sequence[ViewName]:
        """The views that can be named."""
        ...

    @property
    def context_names(self) -> Sequence[str]:
        """The contexts that can be named."""
        ...

    def first_frame(self, view: str) -> FirstFrame | None:
        """What the view showed last time, to be drawn before anything is loaded."""
        ...

    def keep_first_frame(self, view: str, frame: FirstFrame) -> None:
        """Keep what the view shows for the next start."""
        ...

    def connection_is(self, connection: Connection) -> None:
        """Show whether GitLab answers."""
        ...

    def toggle_pause(self) -> None:
        """Stop asking for newer data, or go on."""
        ...

    def new_pace(self) -> Pace:
        """How often the plots of one screen are redrawn."""
        ...

    def copy(self, text: str) -> None:
        """Put the text on the clipboard and say how."""
        ...

    def open_address(self, address: str) -> None:
        """Open a page in the browser, or copy its address where there is none to see."""
        ...

    def announce(self, title: str, text: str) -> None:
        """Tell a person who may look elsewhere, in the way they chose."""
        ...
