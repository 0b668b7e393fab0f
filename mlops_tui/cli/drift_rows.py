"""What an analysis of drift finds out of rows rather than of counts, when that is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mlops_tui.domain.drift import Statistic
from mlops_tui.domain.errors import UsageError

if TYPE_CHECKING:
    from mlops_tui.analysis.observed import Observed
    from mlops_tui.analysis.thresholds import Limits
    from mlops_tui.cli.drift_analyses import Comparison
    from mlops_tui.cli.drift_options import Detector
    from mlops_tui.domain.drift_reports import DriftReport


@dataclass(frozen=True, slots=True)
class RowWishes:
    """What is to be found out of rows: whether all features together drift, and where which of them changed."""

    multivariate: bool = False
    changes: Sequence[Detector] = ()

    def __bool__(self) -> bool:
        return self.multivariate or bool(self.changes)

    def require_rows(self, comparison: Comparison, *, is_shared: bool) -> None:
        """Raise UsageError where something is wished and there are no rows to be had."""
        lacks_rows = comparison.file is None or (self.multivariate and comparison.reference is None)
        if self and (lacks_rows or is_shared):
            raise UsageError(
                "--multivariate and --changes are of rows",
                why="requests are known by their counts, and parts hold nothing else",
                remedy="Name the data with --input, and for --multivariate the reference data with --reference",
            )
        if self and "-" in {comparison.file, comparison.reference}:
            raise UsageError("Standard input can be read once only", remedy="Name files where rows are needed, too")

    def judged(self, comparison: Comparison, seen: Observed, limits: Limits) -> DriftReport:
        """The report on what was counted, with what rows tell beside.

        Half of the level is for all features together where that is wished, so that the whole keeps its promise.
        """
        from mlops_tui.analysis.observed import judged
        from mlops_tui.operations.row_drift import analyze_jointly, find_changes

        reference, file = comparison.reference or "", comparison.file or ""
        if self.multivariate:
            half = replace(limits, level=limits.level / 2)
            together = analyze_jointly(reference, file, comparison.kinds, half)
            report = replace(judged(seen, half, together), level=limits.level)
        else:
            report = judged(seen, limits)
        features = [item.reference for item in seen.observations]
        for detector in self.changes:
            found = find_changes(file, features, report.results, Statistic(detector.value))
            told = [f"{item.feature} {item.reason} ({item.statistic})" for item in found if item.value]
            report = replace(report, results=(*report.results, *found), remarks=(*report.remarks, *told))
        return report
