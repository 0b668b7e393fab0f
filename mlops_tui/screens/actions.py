"""What the keys do on each view, and the one table of all keys."""

from __future__ import annotations

from mlops_tui.screens.registry import VIEWS, ViewEntry
from mlops_tui.widgets.actions import SHARED_ACTIONS, KeyAction, Registry

RUNS_ACTIONS = (
    KeyAction("runs.experiment", ("e",), "Experiment", "Show the runs of one experiment only"),
    KeyAction("runs.compare", ("c",), "Compare", "Compare the marked runs, or the current one with the baseline"),
    KeyAction("runs.metrics", ("m",), "Metrics", "Plot the metrics of the marked runs, or of the current one"),
    KeyAction("runs.baseline", ("B",), "Baseline", "Pin the current run as what others are held against"),
    KeyAction("runs.log", ("l",), "Log", "Follow the log of the CI job that ran it", shown=False),
)
RUN_ACTIONS = (
    KeyAction("run.metrics", ("m",), "Metrics", "Plot the metric under the cursor"),
    KeyAction("run.log", ("l",), "Log", "Follow the log of the CI job that ran it"),
    KeyAction("run.download", ("S",), "Download", "Save the marked files on this machine and check their sums"),
)
METRICS_ACTIONS = (
    KeyAction("metrics.metric", ("m",), "Metric", "Choose another metric of these runs"),
    KeyAction("metrics.axis", ("x",), "Axis", "Draw over steps, over time, or over the time since the start"),
    KeyAction("metrics.smooth", ("z",), "Smooth", "Smooth more, and after the most not at all"),
)
COMPARISON_ACTIONS = (
    KeyAction("comparison.baseline", ("B",), "Baseline", "Choose the run that the others are held against"),
    KeyAction("comparison.metrics", ("m",), "Metrics", "Plot the metric under the cursor for all these runs"),
)
ROLL_OUT = KeyAction(
    "delivery.roll_out", ("O",), "Roll out", "Give this version a growing share of the traffic, judged", changes=True
)
ROLL_BACK = KeyAction("delivery.roll_back", ("R",), "Roll back", "Go back to a version that was good", changes=True)
DELIVERY_ACTIONS = (
    KeyAction("delivery.promote", ("P",), "Promote", "Deploy this version to an environment", changes=True),
    ROLL_OUT,
    ROLL_BACK,
)
STEERING_ACTIONS = (
    KeyAction("steering.advance", ("N",), "Next step", "Go on to the rollout's next step", changes=True),
    KeyAction(
        "steering.full", ("F",), "Full", "Give the new version everything, whatever steps are left", changes=True
    ),
    KeyAction("steering.hold", ("H",), "Hold", "Hold the rollout where it is, or let it go on", changes=True),
    KeyAction("steering.abort", ("Z",), "Abort", "Abort the rollout and go back to the version before", changes=True),
)
ROLLOUT_ACTIONS = (
    KeyAction("rollout.watch", ("W",), "Watch", "Let this program go on as the plan says, or no longer", changes=True),
    KeyAction("rollout.events", ("e",), "Events", "Show what happened in place of the tracks, or the tracks again"),
)
MAKE_VERSION = KeyAction("registry.make_version", ("V",), "Version", "Make a model version from a run", changes=True)
EDIT_CARD = KeyAction("registry.edit_card", ("E",), "Edit card", "Edit the card of this model or version", changes=True)
DELETE = KeyAction(
    "registry.delete", ("D",), "Delete", "Delete this model or version for good", changes=True, shown=False
)
REGISTRY_ACTIONS = (MAKE_VERSION, EDIT_CARD, DELETE)
MODEL_ACTIONS = (KeyAction("model.at", ("a",), "At", "Ask what was live at a past moment"),)
VERSION_ACTIONS = (
    KeyAction("version.open_run", ("o",), "Run", "Open the run that it was made from"),
    KeyAction("version.download", ("S",), "Download", "Save its files on this machine and check their sums"),
)

DECIDING_ACTIONS = (
    KeyAction("deciding.approve", ("A",), "Approve", "Approve this, or everything that is marked", changes=True),
    KeyAction("deciding.reject", ("X",), "Reject", "Reject this, or all that is marked, and say why", changes=True),
    KeyAction("deciding.comment", ("C",), "Comment", "Comment on this without deciding", changes=True),
)
ENVIRONMENTS_ACTIONS = (
    KeyAction("environments.open_page", ("o",), "Open page", "Open what is deployed there in the browser"),
    KeyAction("environments.stop", ("S",), "Stop", "Stop the environment under the cursor", changes=True),
)
APPROVALS_ACTIONS = (KeyAction("approvals.mine", ("m",), "Mine", "Show only what waits for you, or everything"),)
TRACES_ACTIONS = (
    KeyAction("traces.reach", ("a",), "How far", "Choose how far back traffic and traces are looked at"),
    KeyAction("traces.measure", ("m",), "Measure", "Draw the trend of the rate, of the latency, or of errors"),
    KeyAction("traces.go", ("o",), "Go to", "Go to the version, rollout, CI job or commit of the trace"),
)
TRACE_ACTIONS = (
    KeyAction("trace.go", ("o",), "Go to", "Go to the version, rollout, CI job or commit of the span"),
    KeyAction("trace.path", ("c",), "Critical", "Go to the next span on the critical path"),
    KeyAction("trace.error", ("e",), "Error", "Go to the next span that failed"),
    KeyAction("trace.log", ("l",), "Log", "Follow the log of the CI job that the span names", shown=False),
)
RETRAINING_ACTIONS = (
    KeyAction("retraining.retrain", ("T",), "Train", "Train this model again, with what calls for it", changes=True),
)
TRAINING_ACTIONS = (
    KeyAction("training.compare", ("c",), "Compare", "Hold the new run against that of the live version"),
)
ALERTS_ACTIONS = (
    KeyAction(
        "alerts.acknowledge", ("A",), "Take on", "Look after this firing, so that nobody is reminded", changes=True
    ),
    KeyAction("alerts.silence", ("M",), "Silence", "Let nobody be told of this alert for a while", changes=True),
    KeyAction("alerts.open_issue", ("o",), "Issue", "Open the alert's issue in the browser"),
)

DRIFT_ACTIONS = (
    KeyAction("drift.model", ("e",), "Model", "Choose the model that is looked at"),
    KeyAction("drift.arm", ("c",), "Arm", "Choose the version, arm and environment of the model"),
    KeyAction("drift.reach", ("a",), "How far", "Look further back, in wider windows"),
    KeyAction("drift.pane", ("x",), "Pane", "Go on to the score, the distribution or the quality"),
    KeyAction("drift.measure", ("m",), "Measure", "Choose the quality metric, or a figure of the traffic"),
    KeyAction("drift.earlier", ("left_square_bracket",), "Earlier", "Look at the window before, as left does"),
    KeyAction(
        "drift.later", ("right_square_bracket",), "Later", "Look at the window after, as right does", shown=False
    ),
)

OWN_ACTIONS = (
    *RUNS_ACTIONS,
    *RUN_ACTIONS,
    *METRICS_ACTIONS,
    *COMPARISON_ACTIONS,
    *DELIVERY_ACTIONS,
    *STEERING_ACTIONS,
    *ROLLOUT_ACTIONS,
    *REGISTRY_ACTIONS,
    *MODEL_ACTIONS,
    *VERSION_ACTIONS,
    *DECIDING_ACTIONS,
    *APPROVALS_ACTIONS,
    *ENVIRONMENTS_ACTIONS,
    *TRACES_ACTIONS,
    *TRACE_ACTIONS,
    *ALERTS_ACTIONS,
    *RETRAINING_ACTIONS,
    *TRAINING_ACTIONS,
    *DRIFT_ACTIONS,
)


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
