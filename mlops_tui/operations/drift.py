"""Drift of a table against a reference: calibrated, or with the numbers and rules of another tool."""

from __future__ import annotations

from collections.abc import Container, Iterable
from contextlib import closing

from mlops_tui.analysis.compatibility import compare_like
from mlops_tui.analysis.drift import invalid_result
from mlops_tui.analysis.drift_parts import Share, ShareKind
from mlops_tui.analysis.observed import Observed, judged
from mlops_tui.analysis.raw_columns import Unusable
from mlops_tui.analysis.thresholds import Limits
from mlops_tui.datasets.sources import STANDARD_INPUT, open_dataset, open_reference
from mlops_tui.domain.drift import Compatibility, DriftResult, FeatureKind
from mlops_tui.domain.drift_reports import DriftReport
from mlops_tui.domain.errors import UsageError
from mlops_tui.domain.profiles import ReferenceProfile, StoredProfile
from mlops_tui.operations.profiles import Kinds, Problem, Profiling, make_profile, observe
from mlops_tui.operations.raw_columns import read_raw


def profile_file(path: str, kinds: Kinds | None = None, most_bins: int | None = None) -> Profiling:
    """Profile the table in a file, or ``-`` for standard input.

    Raises:
        DataError: the table cannot be read.
    """
    with closing(open_dataset(path)) as dataset:
        return make_profile(dataset, kinds) if most_bins is None else make_profile(dataset, kinds, most_bins)


def analyze(
    reference: str | StoredProfile, current: str, kinds: Kinds | None = None, limits: Limits | None = None
) -> DriftReport:
    """Compare a table with a profile or another table, named by their paths or ``-``.

    ``kinds`` picks the features. A feature that cannot be compared has one result, which says why.

    Raises:
        DataError: a table cannot be read.
        ProfileError: the profile cannot be read.
        UsageError: the profile has a feature as another kind.
    """
    return judged(observe_files(reference, current, kinds), limits)


def observe_files(
    reference: str | StoredProfile, current: str, kinds: Kinds | None = None, share: Share | None = None
) -> Observed:
    """Count a table in the bins of a reference, without a verdict yet; a ``share`` takes some of the features.

    Raises what ``analyze`` does, and UsageError for a share that cannot be had.
    """
    name, made, is_profile = _reference(reference, kinds)
    chosen = [feature for feature in made.profile.features if not kinds or feature.name in kinds]
    if share is not None:
        _require_shareable(share, is_profile=is_profile)
        chosen = [feature for place, feature in enumerate(chosen) if share.takes(place)]
    with closing(open_dataset(current)) as dataset:
        observations = observe(dataset, chosen)
        columns = dataset.columns
    known = {feature.name for feature in made.profile.features} | {problem.feature for problem in made.problems}
    unsuited = [problem for problem in made.problems if problem.is_unsuited and not kinds]
    remarks = [f"{problem.feature} was left out: {problem.reason}" for problem in unsuited]
    if not kinds:
        remarks += [f"{name} was left out: the reference has no such feature" for name in columns if name not in known]
    return Observed(
        reference=name,
        profile_id=made.profile.profile_id,
        observations=tuple(observations),
        unusable=(
            *(_invalid(problem) for problem in made.problems if problem not in unsuited),
            *unknown_features(kinds or {}, known),
        ),
        remarks=tuple(remarks),
    )


def unknown_features(names: Iterable[str], known: Container[str]) -> tuple[DriftResult, ...]:
    """The results for features that were asked for and that the reference does not have."""
    return tuple(
        invalid_result(name, FeatureKind.NUMERIC, "the reference has no such feature")
        for name in names
        if name not in known
    )


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


def _reference(reference: str | StoredProfile, kinds: Kinds | None) -> tuple[str, Profiling, bool]:
    """What the reference is called, its profile, and whether that was made before."""
    if isinstance(reference, StoredProfile):
        require_kinds(reference, kinds or {})
        return reference.source, Profiling(reference.profile, ()), True
    opened = open_reference(reference)
    name = "standard input" if reference == STANDARD_INPUT else reference
    if isinstance(opened, ReferenceProfile):
        require_kinds(StoredProfile(opened, name), kinds or {})
        return name, Profiling(opened, ()), True
    with closing(opened) as dataset:
        return name, make_profile(dataset, kinds), False


def require_kinds(stored: StoredProfile, kinds: Kinds) -> None:
    """Raise UsageError where a feature is asked for as another kind than the profile has."""
    for feature in stored.profile.features:
        wanted = kinds.get(feature.name)
        if wanted is not None and wanted is not feature.kind:
            raise UsageError(
                f"{feature.name} cannot be compared as {wanted.value}",
                why=f"{stored.source} has it as {feature.kind.value}",
                remedy="Make the profile again with that kind, or leave the kind out",
            )


def _require_shareable(share: Share, *, is_profile: bool) -> None:
    if share.kind is not ShareKind.FEATURES:
        raise UsageError("A table has no windows to share out", remedy="Share out its features")
    if not is_profile:
        raise UsageError(
            "The analysis cannot be shared out",
            why="the reference would have to be profiled by every job",
            remedy="Make its profile first with `mlops-tui drift profile`",
        )


def _invalid(problem: Problem) -> DriftResult:
    return invalid_result(problem.feature, problem.kind, f"in the reference {problem.reason}")
