"""Drift of a table against a reference: calibrated, or with the numbers and rules of another tool."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass

from mlops_tui.analysis.compatibility import compare_like
from mlops_tui.analysis.drift import compare, invalid_result
from mlops_tui.analysis.raw_columns import Unusable
from mlops_tui.analysis.thresholds import Limits
from mlops_tui.datasets.sources import open_dataset, open_reference
from mlops_tui.domain.drift import Compatibility, DriftResult, DriftVerdict, FeatureKind, overall
from mlops_tui.domain.errors import UsageError
from mlops_tui.domain.profiles import ReferenceProfile
from mlops_tui.operations.profiles import Kinds, Problem, Profiling, make_profile, observe
from mlops_tui.operations.raw_columns import read_raw


@dataclass(frozen=True, slots=True)
class DriftReport:
    """The results per feature and statistic, and remarks about columns that were not looked at."""

    results: tuple[DriftResult, ...]
    remarks: tuple[str, ...] = ()

    @property
    def verdict(self) -> DriftVerdict:
        """The verdict over all features."""
        return overall({result.verdict for result in self.results})

    @property
    def deciding(self) -> tuple[DriftResult, ...]:
        """One result per feature, where there is one that decides."""
        return tuple(result for result in self.results if result.decides)


def profile_file(path: str, kinds: Kinds | None = None, most_bins: int | None = None) -> Profiling:
    """Profile the table in a file, or ``-`` for standard input.

    Raises:
        DataError: the table cannot be read.
    """
    with closing(open_dataset(path)) as dataset:
        return make_profile(dataset, kinds) if most_bins is None else make_profile(dataset, kinds, most_bins)


def analyze(reference: str, current: str, kinds: Kinds | None = None, limits: Limits | None = None) -> DriftReport:
    """Compare a table with a profile or another table, named by their paths or ``-``.

    ``kinds`` picks the features. A feature that cannot be compared has one result, which says why.

    Raises:
        DataError: a table cannot be read.
        ProfileError: the profile cannot be read.
        UsageError: the profile has a feature as another kind.
    """
    made = _reference(reference, kinds)
    features = [feature for feature in made.profile.features if not kinds or feature.name in kinds]
    with closing(open_dataset(current)) as dataset:
        results = compare(observe(dataset, features), limits)
        columns = dataset.columns
    known = {feature.name for feature in made.profile.features} | {problem.feature for problem in made.problems}
    unknown = [name for name in kinds or {} if name not in known]
    unsuited = [problem for problem in made.problems if problem.is_unsuited and not kinds]
    results += [_invalid(problem) for problem in made.problems if problem not in unsuited]
    results += [invalid_result(name, FeatureKind.NUMERIC, "the reference has no such feature") for name in unknown]
    remarks = [f"{problem.feature} was left out: {problem.reason}" for problem in unsuited]
    if not kinds:
        remarks += [f"{name} was left out: the reference has no such feature" for name in columns if name not in known]
    return DriftReport(tuple(results), tuple(remarks))


def analyze_like(tool: Compatibility, reference: str, current: str, kinds: Kinds | None = None) -> DriftReport:
    """Compare two tables as another tool does; both are held in memory, as that tool would.

    Raises:
        UsageError: the reference is a profile, which does not hold what the tool's formulas need.
        DataError: a table cannot be read.
    """
    opened = open_reference(reference)
    if isinstance(opened, ReferenceProfile):
        raise UsageError(
            f"{reference} is a reference profile",
            why=f"the numbers of {tool.value} are made from the values themselves",
            remedy="Hand over the reference data",
        )
    with closing(opened) as dataset:
        ours = read_raw(dataset, kinds)
    chosen = {name: (kinds or {}).get(name) for name in ours}
    with closing(open_dataset(current)) as dataset:
        theirs = read_raw(dataset, chosen) if chosen else {}
    return DriftReport(
        tuple(
            result
            for name, column in ours.items()
            for result in compare_like(tool, name, chosen[name], column, theirs.get(name) or Unusable("it is missing"))
        )
    )


def _reference(path: str, kinds: Kinds | None) -> Profiling:
    opened = open_reference(path)
    if isinstance(opened, ReferenceProfile):
        _require_kinds(opened, kinds or {}, path)
        return Profiling(opened, ())
    with closing(opened) as dataset:
        return make_profile(dataset, kinds)


def _require_kinds(profile: ReferenceProfile, kinds: Kinds, path: str) -> None:
    for feature in profile.features:
        wanted = kinds.get(feature.name)
        if wanted is not None and wanted is not feature.kind:
            raise UsageError(
                f"{feature.name} cannot be compared as {wanted.value}",
                why=f"{path} has it as {feature.kind.value}",
                remedy="Make the profile again with that kind, or leave the kind out",
            )


def _invalid(problem: Problem) -> DriftResult:
    return invalid_result(problem.feature, problem.kind, f"in the reference {problem.reason}")
