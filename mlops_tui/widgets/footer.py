"""The last line: what the keys do here, and why some of them do nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from textual.app import RenderResult
from textual.content import Content
from textual.reactive import reactive
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Input

from mlops_tui.themes.tokens import Token
from mlops_tui.widgets.actions import Refusal
from mlops_tui.widgets.cells import Cell, line

_GAP = "  "
_WIDE = 100


@runtime_checkable
class Refusing(Protocol):
    """A node that can say why one of its actions is not available."""

    def refusal(self, action_id: str) -> Refusal | None:
        """The reason, or None for an action that is available."""
        ...


@dataclass(frozen=True, slots=True)
class KeyHint:
    """One key as the footer and the help show it."""

    action_id: str
    keys: tuple[str, ...]
    title: str
    is_shown: bool
    refusal: Refusal | None = None


def key_hints(screen: Screen[Any]) -> tuple[KeyHint, ...]:
    """Every key of our own that works on this screen now, from the focused widget outwards."""
    hints: dict[str, KeyHint] = {}
    is_typing = isinstance(screen.focused, Input)
    for active in screen.active_bindings.values():
        binding = active.binding
        key = screen.app.get_key_display(binding)
        if binding.id is None or (is_typing and len(key) == 1):
            continue
        known = hints.get(binding.id)
        if known is not None:
            hints[binding.id] = KeyHint(known.action_id, (*known.keys, key), known.title, known.is_shown, known.refusal)
            continue
        refusal = active.node.refusal(binding.id) if isinstance(active.node, Refusing) else None
        hints[binding.id] = KeyHint(binding.id, (key,), binding.description, binding.show, refusal)
    return tuple(hints.values())


class Footer(Widget):
    """Key hints on one line, greyed where a key is refused; the reason stands behind the last key that it is for."""

    DEFAULT_CSS = """
    Footer { dock: bottom; height: 1; background: $panel; color: $foreground; padding: 0 1; }
    """

    hints: reactive[tuple[KeyHint, ...]] = reactive(())

    def on_mount(self) -> None:
        """Follow the keys of the screen."""
        self.screen.bindings_updated_signal.subscribe(self, self._update)
        self.call_after_refresh(self._update, self.screen)

    def render(self) -> RenderResult:
        """As many hints as fit, the ones of the view first; help always, and in wide terminals the command line."""
        shown = sorted((hint for hint in self.hints if hint.is_shown), key=_rank)
        kept = ("app.command", "app.help") if self.content_size.width >= _WIDE else ("app.help",)
        always = [_piece(hint) for action in kept for hint in shown if hint.action_id == action]
        hints = _that_fit(
            [hint for hint in shown if hint.action_id not in kept],
            self.content_size.width - sum(piece.cell_length for piece in always) + len(_GAP),
        )
        return Content.assemble(*_with_reasons(hints), *always)

    def _update(self, screen: Screen[Any]) -> None:
        if screen.is_attached and screen.is_active:
            self.hints = key_hints(screen)


def _rank(hint: KeyHint) -> int:
    """View actions first, then those of the focused widget, then those of every view."""
    scope = hint.action_id.partition(".")[0]
    order = {"table": 1, "tree": 1, "plot": 1, "log": 1, "text": 1, "view": 2, "app": 3}
    return order.get(scope, 0)


def _that_fit(hints: list[KeyHint], room: int) -> list[KeyHint]:
    """The hints for which there is room beside the reasons, each of which is told once."""
    fitting: list[KeyHint] = []
    words: set[str] = set()
    for hint in hints:
        word = hint.refusal.word if hint.refusal is not None else ""
        told = 0 if not word or word in words else _reason(word).cell_length
        length = _piece(hint).cell_length + told
        if length <= room:
            fitting.append(hint)
            words.add(word)
            room -= length
    return fitting


def _with_reasons(hints: list[KeyHint]) -> list[Content]:
    last = {hint.refusal.word: place for place, hint in enumerate(hints) if hint.refusal is not None}
    pieces: list[Content] = []
    for place, hint in enumerate(hints):
        pieces.append(_piece(hint))
        if hint.refusal is not None and last[hint.refusal.word] == place:
            pieces.append(_reason(hint.refusal.word))
    return pieces


def _piece(hint: KeyHint) -> Content:
    return Content.assemble(_hint(hint), _GAP)


def _reason(word: str) -> Content:
    return line(Cell(f"({word}){_GAP}", Token.MUTED))


def _hint(hint: KeyHint) -> Content:
    if hint.refusal is not None:
        return line(Cell(f"{hint.keys[0]} {hint.title}", Token.REFUSED))
    return line(Cell(hint.keys[0], Token.KEY), " ", hint.title)
