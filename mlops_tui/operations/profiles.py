"""Making a reference profile of a table, and counting another table in its bins."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from mlops_tui.analysis.drift import Observation
from mlops_tui.analysis.profiles import reference_profile
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
    readers: dict[str, ReferenceReader] = {}

    def take(name: str, cells: Cells) -> None:
        reader = readers.get(name)
        if reader is None:
            reader = readers[name] = ReferenceReader(name, chosen.get(name))
        reader.add(cells)

    _read(dataset, list(chosen) or None, take)
    features, problems = [], []
    for name in chosen or dataset.columns:
        try:
            features.append(_profiled(name, readers.get(name), dataset, most_bins))
        except ProfileError as error:
            problems.append(Problem(name, chosen.get(name) or FeatureKind.NUMERIC, error.why, _is_unsuited(error)))
    return Profiling(reference_profile(features), tuple(problems))


def observe(dataset: Dataset, features: Sequence[FeatureProfile]) -> list[Observation]:
    """Count a table in the bins of these features.

    Raises:
        DataError: the table is damaged.
    """
    readers = {feature.name: CurrentReader(feature) for feature in features}
    _read(dataset, list(readers), lambda name, cells: readers[name].add(cells))
    for name, reader in readers.items():
        if dataset.columns and name not in dataset.columns:
            reader.problem = "the data have no such column"
    return [Observation(reader.feature, reader.counts(dataset.rows), reader.problem) for reader in readers.values()]


def _is_unsuited(error: ProfileError) -> bool:
    return isinstance(error, UnsuitedColumnError)


def _profiled(name: str, reader: ReferenceReader | None, dataset: Dataset, most_bins: int) -> FeatureProfile:
    if reader is None:
        why = "the data have no rows" if name in dataset.columns else "the data have no such column"
        raise ProfileError(f"{name} cannot be profiled", why=why)
    return reader.profile(dataset.rows, most_bins)


def _read(dataset: Dataset, columns: list[str] | None, take: Callable[[str, Cells], None]) -> None:
    """Read the columns, several at once where the table allows; each column stays in one thread."""
    threads = min(_MOST_THREADS, os.cpu_count() or 1)
    if not dataset.is_columnar or threads == 1:
        _read_some(dataset, columns, take)
        return
    names = dataset.columns if columns is None else columns
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(lambda name: _read_some(dataset, [name], take), names))


def _read_some(dataset: Dataset, columns: list[str] | None, take: Callable[[str, Cells], None]) -> None:
    for name, cells in dataset.read(columns):
        take(name, cells)
