"""The keys as Markdown, made from the program's table of actions."""

from __future__ import annotations

from textual.keys import format_key

from mlops_tui.screens.actions import all_actions
from mlops_tui.screens.registry import VIEWS
from mlops_tui.widgets.actions import KeyAction
from tools.schema_tables import table

_SCOPES = {
    "app": "Everywhere",
    "go": "Going to a view",
    "view": "On every view",
    "delivery": "Where models are shown: delivery",
    "deciding": "On the inbox and on an evidence sheet",
    "steering": "On rollouts",
    "rollout": "On a rollout",
    "registry": "Where models and runs are shown: the registry",
    "table": "In a table",
    "plot": "In a plot",
    "log": "In a log",
    "tree": "In a tree",
    "text": "In a description",
}


def key_reference() -> str:
    """A section for each scope, those that hold everywhere first."""
    actions = all_actions()
    scopes = dict.fromkeys([*_SCOPES, *(action.scope for action in actions)])
    sections = [_section(scope, actions.of(scope)) for scope in scopes if actions.of(scope)]
    return "\n\n".join(sections)


def view_reference() -> str:
    """The views with their keys and the words that lead there."""
    rows = [
        (
            view.title,
            f"`{view.key}`" if view.key else "",
            ", ".join(f"`:{word}`" for word in (view.name, *view.aliases)),
            view.description,
        )
        for view in VIEWS
    ]
    return table(("view", "key", "words", "what it shows"), rows)


def _section(scope: str, actions: tuple[KeyAction, ...]) -> str:
    title = _SCOPES.get(scope, f"On {scope.replace('_', ' ')}")
    rows = [
        (
            " ".join(f"`{_key(key)}`" for key in action.keys),
            action.description + (" (changes something)" if action.changes else ""),
            f"`{action.id}`",
        )
        for action in actions
    ]
    return f"### {title}\n\n{table(('key', 'what it does', 'id'), rows)}"


def _key(name: str) -> str:
    *modifiers, bare = name.split("+") if name != "+" else [name]
    shown = bare if len(bare) > 1 and format_key(bare) in {"↑", "↓", "←", "→", "⏎"} else format_key(bare)
    return "+".join([*modifiers, shown])
