"""What a key can do, as data: the one table behind bindings, footer, help, palette, ``:`` and the keymap.

An action's scope is the part of its id before the dot: ``app`` (everywhere), ``view`` (every view), a view's name, or
the kind of widget that has the focus.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from textual.binding import Binding

ANYWHERE = frozenset({"app", "view"})
WIDGET_SCOPES = frozenset({"table", "plot", "log", "tree", "text"})


@dataclass(frozen=True, slots=True)
class Action:
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

    def __init__(self, actions: Iterable[Action]) -> None:
        self._actions: dict[str, Action] = {}
        for action in actions:
            if action.id in self._actions:
                message = f"the action {action.id} is declared twice"
                raise ValueError(message)
            self._actions[action.id] = action

    def __iter__(self) -> Iterator[Action]:
        return iter(self._actions.values())

    def __contains__(self, action_id: object) -> bool:
        return action_id in self._actions

    def __len__(self) -> int:
        return len(self._actions)

    def get(self, action_id: str | None) -> Action | None:
        """The action with this id, or None."""
        return self._actions.get(action_id) if action_id else None

    def of(self, scope: str) -> tuple[Action, ...]:
        """The actions of one scope, in their order."""
        return tuple(action for action in self if action.scope == scope)


def bindings(actions: Sequence[Action]) -> list[Binding]:
    """The bindings of a widget, a view or the application."""
    return [action.binding() for action in actions]


def may_meet(one: Action, other: Action) -> bool:
    """Whether both can be available at the same moment, so that they must not share a key."""
    scopes = {one.scope, other.scope}
    if len(scopes) == 1 or scopes & ANYWHERE:
        return True
    return len(scopes & WIDGET_SCOPES) == 1


APP_ACTIONS = (
    Action("app.help", ("question_mark", "f1"), "Help", "Show what the keys do here", call="help"),
    Action("app.command", ("colon",), "Command", "Go to a view by name, with a filter or in another context"),
    Action("app.command_palette", ("ctrl+p",), "Palette", "Find any action by its name", shown=False),
    Action("app.choose_context", ("ctrl+x",), "Context", "Choose another context", shown=False),
    Action("app.choose_theme", ("f2",), "Theme", "Choose the colours", shown=False),
    Action("app.leave", ("q",), "Quit", "Leave the program", shown=False),
)
VIEW_ACTIONS = (
    Action("view.back", ("escape",), "Back", "Go back one step, or clear the filter", shown=False),
    Action("view.filter", ("slash",), "Filter", "Keep only rows that match a pattern or a filter; in a log, find text"),
    Action("view.refresh", ("r",), "Refresh", "Ask for newer data now", shown=False),
    Action("view.pause", ("p",), "Pause", "Stop asking for newer data, or go on", shown=False),
    Action("view.describe", ("d",), "Describe", "Show everything known about the current row", shown=False),
    Action("view.copy", ("y",), "Copy", "Copy the current row's name to the clipboard", shown=False),
    Action("view.full", ("F",), "Full", "Give the focused pane the whole screen, or take it back", shown=False),
)
TABLE_ACTIONS = (
    Action("table.open", ("enter",), "Open", "Open the current row"),
    Action("table.up", ("up", "k"), "Up", "Go up one row", shown=False),
    Action("table.down", ("down", "j"), "Down", "Go down one row", shown=False),
    Action("table.page_up", ("pageup", "ctrl+b"), "Page up", "Go up one page", shown=False),
    Action("table.page_down", ("pagedown", "ctrl+f"), "Page down", "Go down one page", shown=False),
    Action("table.first", ("home", "g"), "First", "Go to the first row", shown=False),
    Action("table.last", ("end", "G"), "Last", "Go to the last row", shown=False),
    Action("table.left", ("left",), "Left", "Show columns further left", shown=False),
    Action("table.right", ("right",), "Right", "Show columns further right", shown=False),
    Action("table.mark", ("space",), "Mark", "Mark the current row, or take the mark away"),
    Action("table.clear_marks", ("backslash",), "Unmark", "Take all marks away", shown=False),
    Action("table.sort", ("s",), "Sort", "Choose the column to sort by"),
)
PLOT_ACTIONS = (
    Action("plot.numbers", ("t",), "Numbers", "Show the numbers as a table, or the plot again"),
    Action("plot.logarithmic", ("o",), "Log scale", "Switch between a linear and a logarithmic scale"),
)
LOG_ACTIONS = (
    Action("log.follow", ("f",), "Follow", "Stay at the end of the log"),
    Action("log.wrap", ("w",), "Wrap", "Wrap long lines, or cut them"),
    Action("log.next", ("n",), "Next", "Go to the next match"),
    Action("log.previous", ("b",), "Previous", "Go to the match before"),
    Action("log.save", ("S",), "Save", "Save the whole log to a file"),
)
TREE_ACTIONS = (
    Action("tree.open", ("enter",), "Open", "Open the current node"),
    Action("tree.up", ("up", "k"), "Up", "Go up one node", shown=False),
    Action("tree.down", ("down", "j"), "Down", "Go down one node", shown=False),
    Action("tree.page_up", ("pageup",), "Page up", "Go up one page", shown=False),
    Action("tree.page_down", ("pagedown",), "Page down", "Go down one page", shown=False),
    Action("tree.first", ("home", "g"), "First", "Go to the first node", shown=False),
    Action("tree.last", ("end", "G"), "Last", "Go to the last node", shown=False),
    Action("tree.fold", ("space",), "Fold", "Fold or unfold the current node"),
)
TEXT_ACTIONS = (
    Action("text.format", ("f",), "Format", "Switch between YAML and JSON"),
    Action("text.wrap", ("w",), "Wrap", "Wrap long lines, or cut them"),
)
SHARED_ACTIONS = (
    *APP_ACTIONS,
    *VIEW_ACTIONS,
    *TABLE_ACTIONS,
    *PLOT_ACTIONS,
    *LOG_ACTIONS,
    *TREE_ACTIONS,
    *TEXT_ACTIONS,
)
