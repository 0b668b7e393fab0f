"""`python -m benchmarks.proofs.drift`: how often unchanged data are called drift, written into docs/drift.md.

Bins are drawn as data would fill them: the true shares of bins that were cut at the quantiles of a reference follow a
Dirichlet law, and the counts of current data are multinomial with these shares. That equals drawing the data and costs
little enough for a million rows. Power is measured on drawn data, through the whole analysis.
"""

from __future__ import annotations

import platform
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mlops_tui.analysis.bin_groups import GroupedCounts, full_groups
from mlops_tui.analysis.distances import population_stability_index
from mlops_tui.analysis.drift import Observation, compare
from mlops_tui.analysis.profiles import NumericReference
from mlops_tui.analysis.rates import rate_tests
from mlops_tui.analysis.significance import chi_square, chi_square_law, psi_law
from mlops_tui.analysis.tallies import NumericTally, tally_of
from mlops_tui.analysis.thresholds import LEVEL, benjamini_hochberg
from mlops_tui.domain.drift import DriftVerdict, FeatureKind
from mlops_tui.domain.profiles import MOST_BINS, Bins, CategoryBins, FeatureCounts, FeatureProfile, NumericBins

PAGE = Path(__file__).parents[2] / "docs" / "drift.md"
SEED = 20_260_301
ROWS = (200, 1_000, 10_000, 100_000, 1_000_000)
# So many analyses per number of features; together they cost about the same.
ANALYSES = {1: 4_000, 20: 1_000, 200: 200}
POWER_ANALYSES = 200
FAR_OUT_WINDOWS = 400_000
FAR_OUT_LEVELS = (0.05, 0.01, 0.001, 0.0001)
# Rows, rows of the reference, and the groups that so many rows fill.
FAR_OUT_SIZES = ((200, 200, 8), (200, 2_000, 8), (200, 20_000, 8), (500, 20_000, 10), (2_000, 5_000, 10))

_CALIBRATION = f"""\
Share of analyses of unchanged data that say drift, in percent, with the 95 % interval of the simulation. Promised is at
most {100 * LEVEL:g} %. The smallest effect is set to zero here, so that the law alone is judged; in use it makes false
alarms rarer still. The last column is what the fixed rule PSI > 0.1 would say of the same data."""
_FAR_OUT = f"""\
Far out, where windows are judged, the thresholds of the index keep what they promise: of {FAR_OUT_WINDOWS:,} windows of
unchanged data per row, the share beyond the threshold as a multiple of the promised level."""
_POWER = f"""\
Share of {POWER_ANALYSES} analyses with the defaults that find a moved mean, in percent: a normal feature against a
reference of 10,000 rows, drawn anew each time."""

_Counts = NDArray[np.int64]
_Draw = Callable[[np.random.Generator, int, int], tuple[_Counts, _Counts]]


@dataclass(frozen=True, slots=True)
class Setting:
    """What a feature is like: its sort of bins, how both samples fill them, and the statistic that decides."""

    name: str
    draw: _Draw
    is_numeric: bool = False
    is_chi_square: bool = False

    def bins(self, size: int) -> Bins:
        """So many bins of that sort."""
        places = range(size - 1)
        return NumericBins(tuple(map(float, places))) if self.is_numeric else CategoryBins(tuple(map(str, places)))


def continuous(draw: np.random.Generator, n: int, m: int) -> tuple[_Counts, _Counts]:
    """Tenths of a reference of ``n`` values, and ``m`` values of the same distribution in them."""
    reference = np.full(10, n // 10)
    return reference, draw.multinomial(m, draw.dirichlet(reference + np.eye(10)[-1]))


def categorical(shares: NDArray[np.float64]) -> _Draw:
    """Categories of these shares, in both samples, and an empty bin for others."""

    def drawn(draw: np.random.Generator, n: int, m: int) -> tuple[_Counts, _Counts]:
        first, second = draw.multinomial(n, shares), draw.multinomial(m, shares)
        return np.append(first, 0), np.append(second, 0)

    return drawn


def long_tailed(draw: np.random.Generator, n: int, m: int) -> tuple[_Counts, _Counts]:
    """Categories of which there is no end: those that the reference saw, and all others together."""
    first, second = (np.minimum(draw.zipf(1.7, size), 10**9) for size in (n, m))
    names, ours = np.unique(first, return_counts=True)
    listed = np.sort(np.argsort(-ours, kind="stable")[: MOST_BINS - 1])
    found = np.searchsorted(names[listed], second)
    is_known = names[listed][np.minimum(found, len(listed) - 1)] == second
    theirs = np.bincount(found[is_known], minlength=len(listed))
    return np.append(ours[listed], n - ours[listed].sum()), np.append(theirs, m - theirs.sum())


def zipf(size: int) -> NDArray[np.float64]:
    """Shares that fall with the rank, the rare ones being very rare."""
    weights = 1 / np.arange(1, size + 1) ** 1.2
    shares: NDArray[np.float64] = weights / weights.sum()
    return shares


SETTINGS = (
    Setting("numbers (PSI)", continuous, is_numeric=True),
    Setting("12 categories (chi-square)", categorical(zipf(12)), is_chi_square=True),
    Setting("100 categories (PSI)", categorical(zipf(100))),
    Setting("long tail of categories (PSI)", long_tailed),
)


def main() -> int:
    """Simulate and write the page's measured part."""
    draw = np.random.default_rng(SEED)
    lines = [
        _CALIBRATION,
        "",
        "| feature | rows | reference rows | features | false alarms | promised | holds | PSI > 0.1 |",
        "| --- | ---: | ---: | ---: | ---: | ---: | --- | ---: |",
    ]
    for setting in SETTINGS:
        for rows in ROWS:
            for reference_rows in dict.fromkeys((rows, min(10 * rows, 1_000_000))):
                for features, analyses in ANALYSES.items():
                    lines.append(_line(setting, draw, (reference_rows, rows), features, analyses))
                    sys.stderr.write(lines[-1] + "\n")
    lines += ["", *_far_out(draw), "", *_power(draw)]
    _keep("\n".join([*lines, "", _circumstances()]))
    return 0


def _line(setting: Setting, draw: np.random.Generator, sizes: tuple[int, int], features: int, analyses: int) -> str:
    alarms = by_rule = 0
    for _ in range(analyses):
        tested = [_test(setting, draw, *sizes) for _ in range(features)]
        p_values = [p for tests, _ in tested for p in tests]
        alarms += min(p_values) <= benjamini_hochberg(p_values, LEVEL)
        by_rule += any(index > 0.1 for _, index in tested)
    share = alarms / analyses
    spread = 1.96 * np.sqrt(max(share, 1 / analyses) * (1 - share) / analyses)
    low, high = max(0.0, share - spread), share + spread
    cells = (
        setting.name,
        f"{sizes[1]:,}",
        f"{sizes[0]:,}",
        str(features),
        f"{100 * share:.1f} ({100 * low:.1f} to {100 * high:.1f})",
        f"{100 * LEVEL:g}",
        "yes" if low <= LEVEL else "**no**",
        f"{100 * by_rule / analyses:.1f}",
    )
    return f"| {' | '.join(cells)} |"


def _test(setting: Setting, draw: np.random.Generator, n: int, m: int) -> tuple[list[float], float]:
    """The p-values of the tests that decide, and the index over all bins."""
    ours, theirs = setting.draw(draw, n, m)
    profile = FeatureProfile("x", FeatureKind.NUMERIC, setting.bins(len(ours)), _counted(ours))
    current = _counted(theirs)
    groups = full_groups(profile, current)
    index = population_stability_index(ours / n, theirs / m)
    rates = [test.p_value or 0.0 for test in rate_tests(profile, current) if test.is_of_something]
    if setting.is_chi_square:
        return [chi_square_law(groups).p_value(chi_square(groups)), *rates], index
    grouped = population_stability_index(groups.reference / n, groups.current / m)
    return [psi_law(groups).p_value(grouped), *rates], index


def _far_out(draw: np.random.Generator) -> list[str]:
    titles = ["rows", "reference rows", *(f"level {100 * level:g} %" for level in FAR_OUT_LEVELS)]
    lines = [_FAR_OUT, "", f"| {' | '.join(titles)} |", f"| {' | '.join('---:' for _ in titles)} |"]
    for rows, reference_rows, groups in FAR_OUT_SIZES:
        shares = np.full(groups, 1 / groups)
        samples = [draw.multinomial(size, shares, FAR_OUT_WINDOWS) / size for size in (reference_rows, rows)]
        before, after = (np.maximum(sample, 1e-4) for sample in samples)
        index = ((before - after) * np.log(before / after)).sum(axis=1)
        law = psi_law(GroupedCounts(np.full(groups, reference_rows // groups), np.full(groups, rows // groups)))
        cells = [f"{(index > law.critical(level)).mean() / level:.2f}" for level in FAR_OUT_LEVELS]
        lines.append(f"| {rows:,} | {reference_rows:,} | {' | '.join(cells)} |")
    return lines


def _counted(counts: _Counts) -> FeatureCounts:
    return FeatureCounts(int(counts.sum()), 0, 0, 0, 0, 0.0, 0.0, None, None, tuple(counts.tolist()))


def _power(draw: np.random.Generator) -> list[str]:
    shifts = (0.1, 0.2, 0.3, 0.5)
    titles = ["rows", *(f"mean moved by {shift} sd" for shift in shifts)]
    lines = [
        _POWER,
        "",
        f"| {' | '.join(titles)} |",
        f"| {' | '.join('---:' for _ in titles)} |",
    ]
    for rows in (200, 1_000, 10_000):
        cells = [f"{100 * _found(draw, shift, rows) / POWER_ANALYSES:.0f}" for shift in shifts]
        lines.append(f"| {rows:,} | {' | '.join(cells)} |")
    return lines


def _found(draw: np.random.Generator, shift: float, rows: int) -> int:
    found = 0
    for _ in range(POWER_ANALYSES):
        reference = NumericReference()
        reference.add(draw.normal(size=10_000))
        profile = reference.profile("x", FeatureKind.NUMERIC)
        tally = tally_of(profile.bins)
        assert isinstance(tally, NumericTally)
        tally.add(draw.normal(shift, size=rows))
        found += compare([Observation(profile, tally.counts())])[0].verdict is DriftVerdict.DRIFT
    return found


def _keep(text: str) -> None:
    mark, end = "<!-- measured by make proof -->", "<!-- end -->"
    page = PAGE.read_text("utf-8")
    # A function, so that nothing in the text is taken for a reference to a group.
    PAGE.write_text(re.sub(f"{mark}.*?{end}", lambda _: f"{mark}\n{text}\n{end}", page, flags=re.DOTALL), "utf-8")


def _circumstances() -> str:
    commit = subprocess.run(["git", "rev-parse", "--short=10", "HEAD"], capture_output=True, text=True, check=False)
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, commit {commit.stdout.strip()}, seed {SEED}, Python "
        f"{platform.python_version()}, numpy {version('numpy')}, scipy {version('scipy')}."
    )


if __name__ == "__main__":
    sys.exit(main())
