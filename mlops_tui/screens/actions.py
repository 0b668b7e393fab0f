"""What the keys do on each view, and the one table of all keys."""

from __future__ import annotations

from mlops_tui.screens.registry import VIEWS, ViewEntry
from mlops_tui.widgets.actions import SHARED_ACTIONS, KeyAction, Registry

RUNS_ACTIONS: tuple[KeyAction, ...] = ()
MODELS_ACTIONS: tuple[KeyAction, ...] = (
    KeyAction("models.promote", ("P",), "Promote", "Deploy this version to an environment", changes=True),
    KeyAction("models.roll_back", ("R",), "Roll back", "Go back to a version that was good", changes=True),
)
ENVIRONMENTS_ACTIONS: tuple[KeyAction, ...] = (
    KeyAction("environments.roll_back", ("R",), "Roll back", "Go back to a version that was good", changes=True),
)
OVERVIEW_ACTIONS: tuple[KeyAction, ...] = ()
JOURNAL_ACTIONS: tuple[KeyAction, ...] = ()

OWN_ACTIONS = (*OVERVIEW_ACTIONS, *RUNS_ACTIONS, *MODELS_ACTIONS, *ENVIRONMENTS_ACTIONS, *JOURNAL_ACTIONS)


def go_actions(views: tuple[ViewEntry, ...] = VIEWS) -> tuple[KeyAction, ...]:
    """The keys that go to a view."""
    return tuple(
        KeyAction(
            f"go.{view.name}",
            (view.key,),
            view.title,
            f"Go to {view.title.lower()}: {view.description}",
            shown=False,
            call=f"show_view('{view.name}')",
        )
        for view in views
        if view.key
    )


def all_actions() -> Registry:
    """Every action of the program."""
    return Registry((*SHARED_ACTIONS, *go_actions(), *OWN_ACTIONS))
