"""The statuses of jobs and pipelines, and how those of many jobs add up to one (GitLab: lib/gitlab/ci/status)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

JOB_STATUSES = (
    "created", "waiting_for_resource", "preparing", "waiting_for_callback", "pending", "running", "success", "failed",
    "canceling", "canceled", "skipped", "manual", "scheduled",
)  # fmt: skip
COMPLETED = frozenset({"success", "failed", "canceled", "skipped"})
CANCELABLE = frozenset(
    {"running", "waiting_for_callback", "waiting_for_resource", "preparing", "pending", "created", "scheduled"}
)
ACTIVE = frozenset({"waiting_for_resource", "preparing", "waiting_for_callback", "pending", "running"})
RETRYABLE = frozenset({"success", "failed", "canceled", "canceling"})
HOLDS_RESOURCE = ("pending", "running", "canceling")

_WARNING = "success_with_warnings"
_IGNORED = "ignored"
_HARMLESS = {_WARNING, _IGNORED}
# What all jobs must be, in the order of asking, for the whole to be so called.
_ALL_OF: tuple[tuple[str, set[str]], ...] = (
    ("skipped", {"skipped", _IGNORED}),
    ("success", {"success", "skipped", *_HARMLESS}),
    ("created", {"created", *_HARMLESS}),
    ("canceled", {"canceled", "success", "skipped", *_HARMLESS}),
    ("pending", {"pending", "created", "skipped", *_HARMLESS}),
)
# What one job must be, when nothing above fits.
_ANY_OF: tuple[tuple[str, set[str]], ...] = (
    ("running", {"running", "pending"}),
    ("waiting_for_resource", {"waiting_for_resource"}),
    ("canceling", {"canceling"}),
    ("manual", {"manual"}),
    ("scheduled", {"scheduled"}),
    ("running", {"created"}),
)
_LABELS: dict[str, tuple[str, str, str, str]] = {
    "created": ("status_created", "Created", "created", "created"),
    "waiting_for_resource": ("status_pending", "Waiting", "waiting for resource", "waiting-for-resource"),
    "preparing": ("status_preparing", "Preparing", "preparing", "preparing"),
    "waiting_for_callback": ("status_pending", "Waiting", "waiting for callback", "waiting-for-callback"),
    "pending": ("status_pending", "Pending", "pending", "pending"),
    "running": ("status_running", "Running", "running", "running"),
    "success": ("status_success", "Passed", "passed", "success"),
    _WARNING: ("status_warning", "Warning", "passed with warnings", "success-with-warnings"),
    "failed": ("status_failed", "Failed", "failed", "failed"),
    "canceling": ("status_canceled", "Canceling", "canceling", "canceling"),
    "canceled": ("status_canceled", "Canceled", "canceled", "canceled"),
    "skipped": ("status_skipped", "Skipped", "skipped", "skipped"),
    "manual": ("status_manual", "Manual", "manual play action", "manual"),
    "scheduled": ("status_scheduled", "Scheduled", "delayed manual action", "scheduled"),
}


def combined(jobs: Iterable[tuple[str, bool]], *, dag: bool = False) -> str:
    """Add up the statuses of several jobs.

    Args:
        jobs: Pairs of status and `allow_failure`; of retried jobs only the newest counts.
        dag: True for jobs that one job `needs`; there a skipped one makes the whole skipped.

    Returns:
        A status; of no jobs at all `success`.
    """
    names = {_counted(status, allow_failure=allow_failure) for status, allow_failure in jobs}
    if not names:
        return "success"
    if dag and "skipped" in names and names <= {*COMPLETED, *_HARMLESS}:
        return "skipped"
    for name, allowed in _ALL_OF:
        if names <= allowed:
            return name
    for name, wanted in _ANY_OF:
        if names & wanted:
            return name
    return "failed"


def _counted(status: str, *, allow_failure: bool) -> str:
    if allow_failure and status in {"failed", "canceled"}:
        return _WARNING
    if allow_failure and status == "manual":
        return _IGNORED
    return status


def pipeline_label(status: str, *, warnings: bool) -> tuple[str, str, str, str]:
    """Return icon, text, label and group of a pipeline's status."""
    if status == "success" and warnings:
        return _LABELS[_WARNING]
    if status == "manual":
        return ("status_manual", "Blocked", "waiting for manual action", "manual")
    if status == "scheduled":
        return ("status_scheduled", "Delayed", "waiting for delayed job", "scheduled")
    return _LABELS[status]


def job_label(status: str, *, allow_failure: bool, failure_reason: str | None) -> tuple[str, str, str, str]:
    """Return icon, text, label and group of a job's status."""
    if status == "failed" and allow_failure:
        return ("status_warning", "Failed", "failed (allowed to fail)", "failed-with-warnings")
    icon, text, label, group = _LABELS[status]
    reason = (failure_reason or "").replace("_", " ")
    return icon, text, f"{label} - ({reason})" if status == "failed" and reason else label, group


def detailed_status(label: tuple[str, str, str, str], path: str) -> dict[str, Any]:
    """Return the `detailed_status` of a REST pipeline; `path` is its web path."""
    icon, text, spoken, group = label
    return {
        "icon": icon,
        "text": text,
        "label": spoken,
        "group": group,
        "tooltip": spoken,
        "has_details": True,
        "details_path": path,
        "illustration": None,
        "favicon": f"/assets/ci_favicons/favicon_{icon}.png",
    }
