"""What a key can do, as data: the one table behind bindings, footer, help, palette, ``:`` and the keymap.

An action's scope is the part of its id before the dot: ``app`` and ``go`` (everywhere), ``view`` (every view),
``delivery`` and ``registry`` (every view that shows models), a view's name, or the kind of widget that has the focus.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from textual.binding import Binding

ANYWHERE = frozenset({"app", "go", "view", "delivery", "registry"})
WIDGET_SCOPES = frozenset({"table", "plot", "log", "tree", "text"})


@dataclass(frozen=True, slots=True)
class KeyAction:
    """One thing that a key can do.

    ``title`` is a word or two for the footer, ``description`` a sentence for the help. ``call`` is Textual's action
    where it is not the part of the id behind the dot. ``changes`` marks what changes something on the server.
    """

    id: str
    keys: tuple[str, ...]
    title: str
    description: str
    changes: bool = False
    shown: bool = True
    call: str = ""

    @property
    def scope(self) -> str:
        """Where the key works."""
        return self.id.partition(".")[0]

    @property
    def method(self) -> str:
        """Textual's action string."""
        return self.call or self.id.partition(".")[2]

    def binding(self) -> Binding:
        """The action as a binding that the keymap can find by its id."""
        return Binding(",".join(self.keys), self.method, self.title, show=self.shown, id=self.id)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an action is not available now: a word for the footer and a sentence for a person."""

    word: str
    sentence: str


class Registry:
    """Every action of the program, by id.

    Args:
        actions: The actions; an id that comes twice is a mistake of the program and raises ValueError.
    """

    def __init__(self, actions: Iterable[KeyAction]) -> None:
        self._actions: dict[str, KeyAction] = {}
        for action in actions:
            if action.id in self._actions:
                message = f"the action {action.id} is declared twice"
                raise ValueError(message)
            self._actions[action.id] = action

    def __iter__(self) -> Iterator[KeyAction]:
        return iter(self._actions.values())

    def __contains__(self, action_id: object) -> bool:
        return action_id in self._actions

    def __len__(self) -> int:
        return len(self._actions)

    def get(self, action_id: str | None) -> KeyAction | None:
        """The action with this id, or None."""
        return self._actions.get(action_id) if action_id else None

    def of(self, scope: str) -> tuple[KeyAction, ...]:
        """The actions of one scope, in their order."""
        return tuple(action for action in self if action.scope == scope)


def bindings(actions: Sequence[KeyAction]) -> list[Binding]:
    """The bindings of a widget, a view or the application."""
    return [action.binding() for action in actions]


def may_meet(one: KeyAction, other: KeyAction) -> bool:
    """Whether both can be available at the same moment, so that they must not share a key."""
    scopes = {one.scope, other.scope}
    if len(scopes) == 1 or scopes & ANYWHERE:
        return True
    return len(scopes & WIDGET_SCOPES) == 1


APP_ACTIONS = (
    KeyAction("app.help", ("question_mark", "f1"), "Help", "Show what the keys do here", call="help"),
    KeyAction("app.command", ("colon",), "Command", "Go to a view by name, with a filter or in another context"),
    KeyAction("app.command_palette", ("ctrl+p",), "Palette", "Find any action by its name", shown=False),
    KeyAction("app.choose_context", ("ctrl+x",), "Context", "Choose another context", shown=False),
    KeyAction("app.choose_theme", ("f2",), "Theme", "Choose the colours", shown=False),
    KeyAction("app.leave", ("q",), "Quit", "Leave the program", shown=False),
)
VIEW_ACTIONS = (
    KeyAction("view.back", ("escape",), "Back", "Go back one step, or clear the filter", shown=False),
    KeyAction("view.filter", ("slash",), "Filter", "Keep only matching rows; in a log, find text"),
    KeyAction("view.refresh", ("r",), "Refresh", "Ask for newer data now", shown=False),
    KeyAction("view.pause", ("p",), "Pause", "Stop asking for newer data, or go on", shown=False),
    KeyAction("view.describe", ("d",), "Describe", "Show everything known about the current row", shown=False),
    KeyAction("view.copy", ("y",), "Copy", "Copy the current row's name to the clipboard", shown=False),
    KeyAction(
        "view.whole_screen",
        ("plus",),
        "Whole screen",
        "Give the focused pane the whole screen, or take it back",
        shown=False,
    ),
)
TABLE_ACTIONS = (
    KeyAction("table.open", ("enter",), "Open", "Open the current row"),
    KeyAction("table.up", ("up", "k"), "Up", "Go up one row", shown=False),
    KeyAction("table.down", ("down", "j"), "Down", "Go down one row", shown=False),
    KeyAction("table.page_up", ("pageup", "ctrl+b"), "Page up", "Go up one page", shown=False),
    KeyAction("table.page_down", ("pagedown", "ctrl+f"), "Page down", "Go down one page", shown=False),
    KeyAction("table.first", ("home", "g"), "First", "Go to the first row", shown=False),
    KeyAction("table.last", ("end", "G"), "Last", "Go to the last row", shown=False),
    KeyAction("table.left", ("left",), "Left", "Show columns further left", shown=False),
    KeyAction("table.right", ("right",), "Right", "Show columns further right", shown=False),
    KeyAction("table.mark", ("space",), "Mark", "Mark the current row, or take the mark away"),
    KeyAction("table.clear_marks", ("backslash",), "Unmark", "Take all marks away", shown=False),
    KeyAction("table.sort", ("s",), "Sort", "Choose the column to sort by"),
)
NUMBERS = KeyAction("plot.numbers", ("t",), "Numbers", "Show the numbers as a table, or the plot again")
LOGARITHMIC = KeyAction("plot.logarithmic", ("v",), "Log scale", "Switch between a linear and a logarithmic scale")
LOG_ACTIONS = (
    KeyAction("log.follow", ("f",), "Follow", "Stay at the end of the log"),
    KeyAction("log.wrap", ("w",), "Wrap", "Wrap long lines, or cut them"),
    KeyAction("log.next", ("n",), "Next", "Go to the next match"),
    KeyAction("log.previous", ("b",), "Previous", "Go to the match before"),
    KeyAction("log.save", ("L",), "Save", "Save the whole log to a file"),
)
TREE_ACTIONS = (
    KeyAction("tree.open", ("enter",), "Open", "Open the current node"),
    KeyAction("tree.up", ("up", "k"), "Up", "Go up one node", shown=False),
    KeyAction("tree.down", ("down", "j"), "Down", "Go down one node", shown=False),
    KeyAction("tree.page_up", ("pageup",), "Page up", "Go up one page", shown=False),
    KeyAction("tree.page_down", ("pagedown",), "Page down", "Go down one page", shown=False),
    KeyAction("tree.first", ("home", "g"), "First", "Go to the first node", shown=False),
    KeyAction("tree.last", ("end", "G"), "Last", "Go to the last node", shown=False),
    KeyAction("tree.fold", ("space",), "Fold", "Fold or unfold the current node"),
)
TEXT_ACTIONS = (
    KeyAction("text.format", ("f",), "Format", "Switch between YAML and JSON"),
    KeyAction("text.wrap", ("w",), "Wrap", "Wrap long lines, or cut them"),
)
SHARED_ACTIONS = (
    *APP_ACTIONS,
    *VIEW_ACTIONS,
    *TABLE_ACTIONS,
    NUMBERS,
    LOGARITHMIC,
    *LOG_ACTIONS,
    *TREE_ACTIONS,
    *TEXT_ACTIONS,
)
