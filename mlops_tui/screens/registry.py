"""The views of the program: how they are called, which key leads there, and where their code is.

Numbers are fixed, so that fingers can learn them; a view's module is imported when it is opened for the first time.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, cast

from mlops_tui.widgets.commands import ViewName

if TYPE_CHECKING:
    from mlops_tui.screens.view import View


@dataclass(frozen=True, slots=True)
class ViewEntry:
    """A view; ``key`` is its number, empty for views that are reached by name only; ``place`` is "module:class"."""

    name: str
    key: str
    title: str
    description: str
    place: str
    aliases: tuple[str, ...] = ()

    @property
    def view_name(self) -> ViewName:
        """How the command line knows it."""
        return ViewName(self.name, self.aliases)

    def load(self) -> View:
        """Import the view's module and make the view."""
        module, _, name = self.place.partition(":")
        return cast("View", getattr(import_module(module), name)())


VIEWS = (
    ViewEntry(
        "overview", "1", "Overview", "what needs attention", "mlops_tui.screens.overview:OverviewView", ("home", "o")
    ),
    ViewEntry("runs", "2", "Runs", "experiments and their runs", "mlops_tui.screens.runs:RunsView", ("run", "r")),
    ViewEntry(
        "models", "3", "Models", "the registry and what is live", "mlops_tui.screens.models:ModelsView", ("model", "m")
    ),
    ViewEntry(
        "environments",
        "4",
        "Environments",
        "what runs where, and since when",
        "mlops_tui.screens.environments:EnvironmentsView",
        ("env", "envs"),
    ),
    ViewEntry(
        "approvals",
        "5",
        "Approvals",
        "what waits for a person, and for you",
        "mlops_tui.screens.approvals:ApprovalsView",
        ("approval", "inbox", "a"),
    ),
    ViewEntry(
        "rollouts",
        "6",
        "Rollouts",
        "versions that get a growing share of the traffic",
        "mlops_tui.screens.rollouts:RolloutsView",
        ("rollout", "canary", "ro"),
    ),
    ViewEntry(
        "drift",
        "7",
        "Drift",
        "how far traffic has moved from its reference, and how good predictions are",
        "mlops_tui.screens.drift:DriftView",
        ("quality", "dr"),
    ),
    ViewEntry(
        "traces",
        "8",
        "Traces",
        "traffic of model versions, and their requests",
        "mlops_tui.screens.traces:TracesView",
        ("trace", "t"),
    ),
    ViewEntry(
        "alerts",
        "9",
        "Alerts",
        "what fires, and who looks after it",
        "mlops_tui.screens.alerts:AlertsView",
        ("alert", "al"),
    ),
    ViewEntry(
        "journal", "", "Journal", "what was done from here", "mlops_tui.screens.journal:JournalView", ("history", "j")
    ),
)
