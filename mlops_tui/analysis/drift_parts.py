"""Parts of an analysis that several jobs count: each takes a share of the features or of the windows.

A part holds counts and no verdicts, since which feature drifts can only be said over all of them. Put together, parts
give what one job would have given, to the last bit. The file has three lines of canonical JSON: a head that carries its
own digest, and two profiles in the same bins, of the reference and of the current data.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from enum import StrEnum
from functools import reduce
from itertools import zip_longest
from typing import Any

from mlops_tui.analysis.drift import Observation
from mlops_tui.analysis.observed import Observed
from mlops_tui.analysis.profile_documents import dump_profile, load_profile
from mlops_tui.analysis.profiles import reference_profile
from mlops_tui.domain.canonical import canonical_json, digest, instant
from mlops_tui.domain.drift_reports import ReportedTraffic, result_of
from mlops_tui.domain.drift_windows import Stretch
from mlops_tui.domain.errors import UsageError
from mlops_tui.domain.inferences import Subject
from mlops_tui.domain.profiles import ProfileError

SCHEMA = "mlops-tui/drift-part/1"


class PartError(UsageError):
    """A part is damaged or of another version, or parts do not belong together."""


class ShareKind(StrEnum):
    """What is shared out among jobs."""

    FEATURES = "features"
    WINDOWS = "windows"


@dataclass(frozen=True, slots=True)
class Share:
    """The ``index``-th of ``total`` shares, counted from one."""

    index: int
    total: int
    kind: ShareKind

    def __post_init__(self) -> None:
        if not 1 <= self.index <= self.total:
            raise ValueError("a share is one of its total")

    def takes(self, place: int) -> bool:
        """Whether the feature or window at that place, counted from zero, falls to it."""
        return place % self.total == self.index - 1


@dataclass(frozen=True, slots=True)
class Part:
    """A share of an analysis, counted."""

    share: Share
    observed: Observed


def dump_part(part: Part) -> bytes:
    """The file of a part."""
    seen = part.observed.observations
    reference = reference_profile(item.reference for item in seen)
    current = reference_profile(
        replace(item.reference, counts=item.current) for item in seen if item.current is not None
    )
    head: dict[str, Any] = {
        "$schema": SCHEMA,
        "share": asdict(part.share),
        "question": _question(part.observed),
        "problems": {item.reference.name: item.problem for item in seen if item.current is None},
        "unusable": [asdict(result) for result in part.observed.unusable],
        "remarks": part.observed.remarks,
        "sampled": part.observed.sampled,
        "profiles": [reference.profile_id, current.profile_id],
    }
    first = canonical_json(head | {"id": digest(head)}).encode("utf-8") + b"\n"
    return first + dump_profile(reference) + dump_profile(current)


def load_part(data: bytes, source: str) -> Part:
    """Read the file of a part; ``source`` names it in errors.

    Raises:
        PartError: it is cut off or changed, of another version, or something else.
    """
    what = f"{source} cannot be read as a part of an analysis"
    lines = data.splitlines(keepends=True)
    try:
        head = json.loads(lines[0])
        schema, own = head["$schema"], head.pop("id")
    except (IndexError, ValueError, TypeError, KeyError, RecursionError):
        raise PartError(what, why="it does not begin like one") from None
    if schema != SCHEMA:
        raise PartError(what, why=f"it is of version {schema}, and this program reads {SCHEMA}")
    if len(lines) != 3 or digest(head) != own:
        raise PartError(what, why="it is cut off or damaged", remedy="Let its job run again")
    try:
        reference, current = (load_profile(line, source) for line in lines[1:])
    except ProfileError as error:
        raise PartError(what, why=error.why, remedy="Let its job run again") from None
    if [reference.profile_id, current.profile_id] != head["profiles"]:
        raise PartError(what, why="its counts are another part's", remedy="Let its job run again")
    counted = {feature.name: feature.counts for feature in current.features}
    problems = head["problems"]
    seen = tuple(
        Observation(feature, counted.get(feature.name), problems.get(feature.name, ""))
        for feature in reference.features
    )
    share = head["share"]
    return Part(Share(share["index"], share["total"], ShareKind(share["kind"])), _observed(head, seen))


def merge_parts(parts: Sequence[Part]) -> Observed:
    """Put the parts of one analysis together; the same part twice counts once.

    Raises:
        PartError: a part is missing, or they are not of one analysis.
    """
    if not parts:
        raise PartError("There is nothing to put together", remedy="Name the parts")
    first = parts[0]
    shares = {part.share.index: part for part in sorted(parts, key=lambda part: -part.share.index)}
    for part in parts:
        if _identity(part) != _identity(first):
            raise PartError("The parts do not belong together", why="they answer different questions")
        if dump_part(part) != dump_part(shares[part.share.index]):
            raise PartError("The parts do not belong together", why=f"there are two different parts {part.share.index}")
    missing = [str(index) for index in range(1, first.share.total + 1) if index not in shares]
    if missing:
        raise PartError(
            "The analysis is not complete",
            why=f"of {first.share.total} parts {', '.join(missing)} are missing",
            remedy="Let their jobs run again",
        )
    ordered = [shares[index] for index in range(1, first.share.total + 1)]
    match first.share.kind:
        case ShareKind.FEATURES:
            return _side_by_side(ordered)
        case ShareKind.WINDOWS:
            return _added_up(ordered)


def _side_by_side(parts: Sequence[Part]) -> Observed:
    """Features dealt out in turn, collected in turn."""
    rounds = zip_longest(*(part.observed.observations for part in parts))
    ordered = tuple(item for dealt in rounds for item in dealt if item is not None)
    return replace(parts[0].observed, observations=ordered)


def _added_up(parts: Sequence[Part]) -> Observed:
    sampled = [part.observed.sampled for part in parts if part.observed.sampled is not None]
    columns = zip(*(part.observed.observations for part in parts), strict=True)
    observations = tuple(reduce(_sum, column) for column in columns)
    return replace(parts[0].observed, observations=observations, sampled=sum(sampled) if sampled else None)


def _sum(one: Observation, other: Observation) -> Observation:
    if one.current is None or other.current is None:
        return one if one.current is None else other
    return Observation(one.reference, one.current.merged(other.current))


def _identity(part: Part) -> tuple[int, ShareKind, str]:
    return part.share.total, part.share.kind, canonical_json(_question(part.observed))


def _question(observed: Observed) -> dict[str, Any]:
    traffic = observed.traffic
    return {
        "reference": observed.reference,
        "profile_id": observed.profile_id,
        "subject": asdict(traffic.subject) if traffic else None,
        "start": instant(traffic.window.start) if traffic else None,
        "end": instant(traffic.window.end) if traffic else None,
    }


def _observed(head: Mapping[str, Any], seen: tuple[Observation, ...]) -> Observed:
    question = head["question"]
    traffic = None
    if question["subject"] is not None:
        start, end = (datetime.fromisoformat(question[key]) for key in ("start", "end"))
        traffic = ReportedTraffic(Subject(**question["subject"]), Stretch(start, end - start))
    return Observed(
        reference=question["reference"],
        profile_id=question["profile_id"],
        observations=seen,
        unusable=tuple(result_of(row) for row in head["unusable"]),
        remarks=tuple(head["remarks"]),
        traffic=traffic,
        sampled=head["sampled"],
    )
