"""A growing log: it follows the end until the reader scrolls up, searches, wraps and saves."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import ClassVar

from textual import events
from textual.binding import BindingType
from textual.message import Message
from textual.reactive import var

from mlops_tui.domain.errors import MlopsError
from mlops_tui.live.logs import CAPACITY, LogChunk
from mlops_tui.widgets.actions import LOG_ACTIONS, bindings
from mlops_tui.widgets.text_layout import plain_text, text_line
from mlops_tui.widgets.text_lines import SCROLL_KEYS, TextLines

WholeLog = Callable[[], Awaitable[Sequence[str]]]


class LogView(TextLines, inherit_bindings=False):
    """The last ``CAPACITY`` lines of a log.

    Args:
        file_name: The name under which the log is saved.
        whole: Fetches the whole log for saving; without it the kept lines are saved.
    """

    BINDINGS: ClassVar[list[BindingType]] = [*bindings(LOG_ACTIONS), *SCROLL_KEYS]

    follows: var[bool] = var(True)

    class StatusChanged(Message):
        """What a pane's title says of the log reads differently."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def __init__(
        self,
        *,
        file_name: str = "job.log",
        whole: WholeLog | None = None,
        empty: str = "No output yet.",
        id: str | None = None,  # noqa: A002 - Textual's own name
    ) -> None:
        super().__init__(empty=empty, limit=CAPACITY, id=id)
        self._file_name = file_name
        self._whole = whole
        self._dropped = 0
        self._shown_match = 0

    @property
    def status(self) -> str:
        """What a pane's title says: how much is kept and whether the end is followed."""
        count = len(self.lines)
        kept = f"last {count:,} of {count + self._dropped:,} lines" if self._dropped else f"{count:,} lines"
        words = [kept, "following" if self.follows else "held, f follows"]
        return " · ".join([*words, f"/{self.pattern}"] if self.pattern else words)

    def take(self, chunk: LogChunk) -> None:
        """Add what is new; lines already shown are not drawn again."""
        if chunk.is_restart:
            self._dropped = 0
            self.show(())
        if chunk.replaces_last:
            self.drop_last()
        self.append(text_line(line) for line in chunk.lines)
        self._dropped = max(self._dropped, chunk.dropped)
        self._tell_status()
        if self.follows:
            self._go_to_end()

    def search(self, pattern: str) -> bool:
        """Set off all matches and go to the next one; False when there is none. Nothing typed ends the search."""
        self.pattern = pattern
        return not pattern or self._go_to_match(self.first_visible, 1)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Scrolling to the end follows it again."""
        super().watch_scroll_y(old_value, new_value)
        if old_value < new_value and new_value >= self.max_scroll_y:
            self.follows = True

    def on_resize(self, _event: events.Resize) -> None:
        """Stay at the end in another size, too; the lines are laid out anew first."""
        if self.follows:
            self.call_after_refresh(self._stay_at_end)

    def on_mouse_scroll_up(self) -> None:
        """Scrolling up holds the log."""
        self.follows = False

    def action_scroll_up(self) -> None:
        """Scroll up and hold the log."""
        self.follows = False
        super().action_scroll_up()

    def action_page_up(self) -> None:
        """Go up a page and hold the log."""
        self.follows = False
        super().action_page_up()

    def action_scroll_home(self) -> None:
        """Go to the start and hold the log."""
        self.follows = False
        super().action_scroll_home()

    def watch_follows(self) -> None:
        """Tell the pane."""
        self._tell_status()

    def action_follow(self) -> None:
        """Stay at the end of the log."""
        self.follows = True
        self._go_to_end()

    def action_next(self) -> None:
        """Go to the next match, after the last one to the first."""
        self._go_to_match(self._shown_match + 1, 1)

    def action_previous(self) -> None:
        """Go to the match before, before the first one to the last."""
        self._go_to_match(self._shown_match - 1, -1)

    async def action_save(self) -> None:
        """Save the whole log to a new file and say where."""
        try:
            lines = [plain_text(line) for line in self.lines] if self._whole is None else await self._whole()
            path = save_text(self._file_name, "\n".join(lines) + "\n", Path.cwd())
        except (OSError, MlopsError) as error:
            self.app.notify(f"Not saved: {error}", severity="error", markup=False)
        else:
            self.app.notify(f"Saved {len(lines):,} lines to {path}", markup=False)

    def watch_pattern(self) -> None:
        """Show other matches and tell the pane."""
        super().watch_pattern()
        self._tell_status()

    def _tell_status(self) -> None:
        self.post_message(self.StatusChanged(self.status))

    def _stay_at_end(self) -> None:
        if self.follows:
            self._go_to_end()

    def _go_to_end(self) -> None:
        self.scroll_to(y=self.max_scroll_y, animate=False, force=True)

    def _go_to_match(self, start: int, step: int) -> bool:
        wanted, count = self.pattern.casefold(), len(self.lines)
        numbers = ((start + step * distance) % count for distance in range(count))
        found = next((n for n in numbers if wanted and wanted in plain_text(self.lines[n]).casefold()), None)
        if found is None:
            return False
        self._shown_match = found
        self.follows = False
        self.go_to_line(found)
        return True


def save_text(name: str, text: str, folder: Path) -> Path:
    """Write a new file that only its owner reads; an existing one is never replaced, a number is added instead."""
    safe = "".join(sign if sign.isalnum() or sign in "._-" else "-" for sign in name).lstrip(".-") or "log.txt"
    stem, dot, suffix = safe.rpartition(".")
    for number in range(1_000):
        candidate = safe if not number else f"{stem or safe}-{number}{dot}{suffix if stem else ''}"
        path = folder / candidate
        try:
            path.touch(mode=0o600, exist_ok=False)
        except FileExistsError:
            continue
        path.write_text(text, encoding="utf-8")
        return path
    message = f"there are too many files named {safe}"
    raise OSError(message)
