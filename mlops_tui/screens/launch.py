"""With what the program starts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mlops_tui.domain.clock import Clock, SystemClock
from mlops_tui.domain.contexts import Context
from mlops_tui.domain.preferences import Preferences

if TYPE_CHECKING:
    from mlops_tui.config.paths import Paths
    from mlops_tui.domain.credentials import FoundCredential


@dataclass(frozen=True, slots=True)
class Launch:
    """A context with its credential, and what the person prefers.

    ``contexts`` are the names that can be switched to and ``resolve`` reads one of them, raising MlopsError. ``keys``
    are the keys of ``preferences.keymap`` after ``app.check_keys``. ``view`` and ``filter`` are where it opens; empty
    opens the first view. ``paths`` are the folders, None for those of the user.
    """

    context: Context
    credential: FoundCredential | None = field(default=None, repr=False)
    preferences: Preferences = field(default_factory=Preferences)
    keys: Mapping[str, str] = field(default_factory=dict)
    contexts: tuple[str, ...] = ()
    resolve: Callable[[str], tuple[Context, FoundCredential | None]] | None = None
    view: str = ""
    filter: str = ""
    paths: Paths | None = None
    clock: Clock = field(default_factory=SystemClock)

    @property
    def theme(self) -> str | None:
        """The palette that was asked for: the context's own, so that production can look different, or the user's."""
        return self.context.theme or self.preferences.theme
