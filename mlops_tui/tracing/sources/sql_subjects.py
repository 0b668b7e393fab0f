"""Who a span is about, and which spans a question means, in SQL."""

from __future__ import annotations

from collections.abc import Iterable

from mlops_tui.domain.inferences import (
    ENVIRONMENT,
    GROUND_TRUTH,
    MODEL_NAME,
    MODEL_VERSION,
    PROJECT_ID,
    PROJECT_NAME,
    TRACK,
)
from mlops_tui.domain.trace_queries import LAST_NS, SubjectFilter, TimeRange
from mlops_tui.tracing.attributes import ALIASES
from mlops_tui.tracing.sources.sql_layouts import Layout
from mlops_tui.tracing.sources.sql_text import all_of, quoted

SUBJECT = ("service", "project", "model", "version", "arm", "environment")


def spans(layout: Layout, times: TimeRange, subjects: SubjectFilter, more: Iterable[str] = ()) -> str:
    """The spans that ended in a range of time and are about the subjects meant, with ``more`` columns.

    A span that brings labels is no inference: it is about its service only.
    """
    columns = [
        f"{layout.named(IDENTITY)} AS own",
        f"{layout.trace_id} AS trace_id",
        f"{layout.start_ns} AS start_ns",
        f"{layout.duration} AS duration",
        "start_ns + duration AS end_ns",
        f"{layout.status} AS status",
        f"{is_label(layout)} AS is_label",
        f"toString({layout.service}) AS service",
        f"if({_told(layout, PROJECT_ID)} != '', {_told(layout, PROJECT_ID)}, {_told(layout, PROJECT_NAME)}) AS project",
        f"{_told(layout, MODEL_NAME)} AS told_model",
        "if(is_label, '', told_model) AS model",
        f"if(is_label, '', {_told(layout, MODEL_VERSION)}) AS version",
        f"lower({_told(layout, TRACK)}) AS track",
        "multiIf(is_label, '', track = 'default', 'stable', track) AS arm",
        f"{_told(layout, ENVIRONMENT)} AS environment",
        *more,
    ]
    conditions = [layout.began(times), *_ended(times), *_about(layout, subjects)]
    return f"SELECT {', '.join(columns)} FROM {layout.table} WHERE {all_of(conditions)}"


def is_label(layout: Layout) -> str:
    """Whether a span brings labels."""
    return f"arrayExists(key -> startsWith(key, {quoted(GROUND_TRUTH)}), {layout.keys})"


def _ended(times: TimeRange) -> list[str]:
    conditions = []
    if times.start_ns > 0:
        conditions.append(f"end_ns >= {times.start_ns}")
    if times.end_ns < LAST_NS:
        conditions.append(f"end_ns < {times.end_ns}")
    return conditions


def _about(layout: Layout, subjects: SubjectFilter) -> list[str]:
    """The subjects meant, with what follows from them for the table's own columns, by which it may be sorted."""
    parts = ((name, getattr(subjects, name)) for name in SUBJECT)
    conditions = [f"{name} = {quoted(wanted)}" for name, wanted in parts if wanted is not None]
    if subjects.service is not None:
        conditions.append(f"{layout.service} = {quoted(subjects.service)}")
    if subjects.model:
        conditions.append(f"{layout.text(MODEL_NAME)} IN ('', {quoted(subjects.model)})")
    return conditions


def _told(layout: Layout, key: str) -> str:
    """What a span says of itself, or else its resource, under any of the names that are understood."""
    names = _names(key)
    told = [*(f"own[{quoted(name)}]" for name in names), *map(layout.resource, names)]
    tests = ", ".join(f"{value} != '', {value}" for value in told[:-1])
    return f"multiIf({tests}, {told[-1]})"


def _names(key: str) -> tuple[str, ...]:
    return (key, *(alias for alias, name in ALIASES.items() if name == key))


# All that tells whom a span is about: picked out once, since looking into a large map costs.
IDENTITY = tuple(
    name for key in (MODEL_NAME, MODEL_VERSION, TRACK, ENVIRONMENT, PROJECT_ID, PROJECT_NAME) for name in _names(key)
)
