"""Making a reference profile of a table, and counting another table in its bins."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol, TypeVar

from mlops_tui.analysis.drift import Observation
from mlops_tui.analysis.profiles import reference_profile
from mlops_tui.analysis.tallies import tally_of
from mlops_tui.datasets.columns import Cells, Dataset
from mlops_tui.domain.drift import FeatureKind
from mlops_tui.domain.profiles import MOST_BINS, FeatureProfile, ProfileError, ReferenceProfile, UnsuitedColumnError
from mlops_tui.operations.column_readers import CurrentReader, ReferenceReader

# What the user says of columns: their kind, or None where the data decide.
Kinds = Mapping[str, FeatureKind | None]

_MOST_THREADS = 4


@dataclass(frozen=True, slots=True)
class Problem:
    """A column that cannot be used, and why; ``is_unsuited`` if nobody would expect it to be."""

    feature: str
    kind: FeatureKind
    reason: str
    is_unsuited: bool = False


@dataclass(frozen=True, slots=True)
class Profiling:
    """A profile, and the columns that are not in it."""

    profile: ReferenceProfile
    problems: tuple[Problem, ...]


def make_profile(dataset: Dataset, kinds: Kinds | None = None, most_bins: int = MOST_BINS) -> Profiling:
    """Profile a table: the columns in ``kinds``, or all of them.

    Raises:
        DataError: the table is damaged.
    """
    chosen = kinds or {}

    def finish(name: str, reader: ReferenceReader) -> FeatureProfile | Problem:
        try:
            return reader.profile(dataset.rows, most_bins)
        except ProfileError as error:
            kind = chosen.get(name) or FeatureKind.NUMERIC
            return Problem(name, kind, error.why, isinstance(error, UnsuitedColumnError))

    made = _read(dataset, list(chosen) or None, lambda name: ReferenceReader(name, chosen.get(name)), finish)
    outcomes = [made.get(name) or _unread(dataset, name, chosen.get(name)) for name in chosen or dataset.columns]
    features = [outcome for outcome in outcomes if isinstance(outcome, FeatureProfile)]
    problems = [outcome for outcome in outcomes if isinstance(outcome, Problem)]
    return Profiling(reference_profile(features), tuple(problems))


def observe(dataset: Dataset, features: Sequence[FeatureProfile]) -> list[Observation]:
    """Count a table in the bins of these features.

    Raises:
        DataError: the table is damaged.
    """
    profiles = {feature.name: feature for feature in features}

    def finish(name: str, reader: CurrentReader) -> Observation:
        return Observation(profiles[name], reader.counts(dataset.rows), reader.problem)

    made = _read(dataset, list(profiles), lambda name: CurrentReader(profiles[name]), finish)
    return [made.get(name) or _unseen(dataset, feature) for name, feature in profiles.items()]


def _unread(dataset: Dataset, name: str, kind: FeatureKind | None) -> Problem:
    reason = "the data have no rows" if name in dataset.columns else "the data have no such column"
    return Problem(name, kind or FeatureKind.NUMERIC, reason)


def _unseen(dataset: Dataset, feature: FeatureProfile) -> Observation:
    if dataset.columns and feature.name not in dataset.columns:
        return Observation(feature, None, "the data have no such column")
    return Observation(feature, tally_of(feature.bins).counts(dataset.rows))


class _Reader(Protocol):
    def add(self, cells: Cells) -> None: ...


_AnyReader = TypeVar("_AnyReader", bound=_Reader)
_Outcome = TypeVar("_Outcome")


def _read(
    dataset: Dataset,
    columns: list[str] | None,
    start: Callable[[str], _AnyReader],
    finish: Callable[[str, _AnyReader], _Outcome],
) -> dict[str, _Outcome]:
    """Give the cells of every column to a reader of its own; columns that had cells have an outcome.

    Where the table allows, columns are read to their end one by one, several at once, each in one thread.
    """

    def read(wanted: list[str] | None) -> dict[str, _Outcome]:
        readers: dict[str, _AnyReader] = {}
        for name, cells in dataset.read(wanted):
            if name not in readers:
                readers[name] = start(name)
            readers[name].add(cells)
        return {name: finish(name, reader) for name, reader in readers.items()}

    if not dataset.is_columnar:
        return read(columns)
    names = dataset.columns if columns is None else columns
    with ThreadPoolExecutor(min(_MOST_THREADS, os.cpu_count() or 1)) as pool:
        parts = pool.map(lambda name: read([name]), names)
        return {name: outcome for part in parts for name, outcome in part.items()}
