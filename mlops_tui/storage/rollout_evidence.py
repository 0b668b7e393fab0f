"""The evidence of rollouts on disk: what each closed window brought, in the lines that ``rollouts judge`` reads.

One file for each rollout and plan, only ever appended to; a second process waits for the first. What a line says never
changes, so a rollout can be judged again long after its traces are gone.
"""

from __future__ import annotations

import fcntl
import json
import os
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from mlops_tui.domain.canonical import JsonValue, instant
from mlops_tui.domain.judgements import EventSample, Measurement, Sample, ValueSample
from mlops_tui.storage.errors import unusable

_FILE_MODE = 0o600
_FOLDER_MODE = 0o700
_END_OF_BATCH = "\n"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was read of a file, in time order; ``end`` is where the next batch begins."""

    measurements: tuple[Measurement, ...] = ()
    end: int = 0

    @property
    def until(self) -> datetime | None:
        """When the newest came in."""
        return self.measurements[-1].at if self.measurements else None


_NOTHING = Evidence()


@dataclass(frozen=True, slots=True)
class EvidenceFile:
    """The evidence of one rollout; ``name`` tells it from all others."""

    folder: Path
    name: str

    @property
    def path(self) -> Path:
        """The measurements, one JSON object a line."""
        return self.folder / f"{self.name}.ndjson"

    @property
    def plan_path(self) -> Path:
        """The judge's part of the plan."""
        return self.folder / f"{self.name}.plan.json"

    def read(self, known: Evidence = _NOTHING) -> Evidence:
        """Everything kept; what is ``known`` already is not read again. Blocks.

        Raises:
            StorageError: The file cannot be read.
        """
        try:
            with self.path.open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_SH)
                return _read_on(file, known)
        except FileNotFoundError:
            return _NOTHING
        except OSError as error:
            raise unusable(self.path, error.strerror or str(error)) from error

    def append(
        self, measurements: Sequence[Measurement], plan: Mapping[str, JsonValue], known: Evidence = _NOTHING
    ) -> Evidence:
        """Keep what is later than all that is kept, and answer everything kept. Blocks.

        ``plan`` is written beside it once. A line that a crash cut off is dropped first.

        Raises:
            StorageError: The file cannot be written.
        """
        try:
            self.folder.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
            if not self.plan_path.exists():
                _write_whole(self.plan_path, json.dumps(plan, indent=2) + "\n")
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, _FILE_MODE)
            with os.fdopen(descriptor, "r+b") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                return _appended(file, measurements, known)
        except OSError as error:
            raise unusable(self.path, error.strerror or str(error)) from error


def line_of(measurement: Measurement) -> dict[str, JsonValue]:
    """A measurement as a line of a replay."""
    line: dict[str, JsonValue] = {
        "at": instant(measurement.at),
        "arm": measurement.arm,
        "guardrail": measurement.guardrail,
    }
    match measurement.sample:
        case EventSample(n, events):
            return line | {"n": n, "events": events}
        case ValueSample(n, total, squares):
            return line | {"n": n, "sum": total, "sum_sq": squares}


def _appended(file: IO[bytes], measurements: Sequence[Measurement], known: Evidence) -> Evidence:
    kept = _read_on(file, known)
    last = kept.until or datetime.min.replace(tzinfo=UTC)
    fresh = tuple(item for item in measurements if item.at > last)
    if not fresh:
        return kept
    lines = [json.dumps(line_of(item)) + "\n" for item in fresh]
    file.seek(kept.end)
    file.truncate()
    file.write("".join((*lines, _END_OF_BATCH)).encode())
    file.flush()
    os.fsync(file.fileno())
    return Evidence((*kept.measurements, *fresh), file.tell())


def _read_on(file: IO[bytes], known: Evidence) -> Evidence:
    """What is known with what came since; all of it where the file is shorter than what was read of it."""
    if os.fstat(file.fileno()).st_size < known.end:
        known = _NOTHING
    file.seek(known.end)
    fresh, end = _batches(file)
    return Evidence((*known.measurements, *fresh), end) if fresh else known


def _batches(file: IO[bytes]) -> tuple[tuple[Measurement, ...], int]:
    """The lines of the whole batches that follow, and where the last of them ends.

    An empty line ends each batch. What a crash cut off has none and is not counted, so that it is kept anew.
    """
    found: list[Measurement] = []
    batch: list[Measurement] = []
    end = file.tell()
    for line in iter(file.readline, b""):
        if line == _END_OF_BATCH.encode():
            found += batch
            batch, end = [], file.tell()
        elif (measurement := _measurement(line)) is not None:
            batch.append(measurement)
        else:
            break
    return tuple(found), end


def _measurement(line: bytes) -> Measurement | None:
    if not line.endswith(b"\n"):
        return None
    try:
        item: dict[str, Any] = json.loads(line)
        sample: Sample = (
            EventSample(item["n"], item["events"])
            if "events" in item
            else ValueSample(item["n"], item["sum"], item["sum_sq"])
        )
        return Measurement(datetime.fromisoformat(item["at"]), item["arm"], item["guardrail"], sample)
    except (ValueError, KeyError, TypeError):
        return None


def _write_whole(path: Path, text: str) -> None:
    # Two looks of one program may write it at once, each in its own thread.
    waiting = path.with_suffix(f".{os.getpid()}-{threading.get_ident()}.tmp")
    waiting.write_text(text, "utf-8")
    waiting.chmod(_FILE_MODE)
    waiting.replace(path)
