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

from mlops_tui.analysis.bin_groups import full_groups
from mlops_tui.analysis.distances import population_stability_index
from mlops_tui.analysis.drift import Observation, compare
from mlops_tui.analysis.profiles import NumericReference
from mlops_tui.analysis.significance import chi_square, chi_square_law, psi_law
from mlops_tui.analysis.tallies import NumericTally, tally_of
from mlops_tui.analysis.thresholds import LEVEL, benjamini_hochberg
from mlops_tui.domain.drift import DriftVerdict, FeatureKind
from mlops_tui.domain.profiles import Bins, CategoryBins, FeatureCounts, FeatureProfile, NumericBins

PAGE = Path(__file__).parents[2] / "docs" / "drift.md"
SEED = 20_260_301
ROWS = (200, 1_000, 10_000, 100_000, 1_000_000)
# So many analyses per number of features; together they cost about the same.
ANALYSES = {1: 4_000, 20: 1_000, 200: 200}
POWER_ANALYSES = 200

_CALIBRATION = f"""\
Share of analyses of unchanged data that say drift, in percent, with the 95 % interval of the simulation. Promised is at
most {100 * LEVEL:g} %. The smallest effect is set to zero here, so that the law alone is judged; in use it makes false
alarms rarer still. The last column is what the fixed rule PSI > 0.1 would say of the same data."""
_POWER = f"""\
Share of {POWER_ANALYSES} analyses with the defaults that find a moved mean, in percent: a normal feature against a
reference of 10,000 rows, drawn anew each time."""

_Counts = NDArray[np.int64]
_Draw = Callable[[np.random.Generator, int, int], tuple[_Counts, _Counts]]


@dataclass(frozen=True, slots=True)
class Setting:
    """What a feature is like: its bins, how both samples fill them, and the statistic that decides."""

    name: str
    bins: Bins
    draw: _Draw
    is_chi_square: bool = False


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


def zipf(size: int) -> NDArray[np.float64]:
    """Shares that fall with the rank, the rare ones being very rare."""
    weights = 1 / np.arange(1, size + 1) ** 1.2
    shares: NDArray[np.float64] = weights / weights.sum()
    return shares


SETTINGS = (
    Setting("numbers (PSI)", NumericBins(tuple(map(float, range(9)))), continuous),
    Setting("12 categories (chi-square)", CategoryBins(tuple(map(str, range(12)))), categorical(zipf(12)), True),
    Setting("100 categories (PSI)", CategoryBins(tuple(map(str, range(100)))), categorical(zipf(100))),
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
    lines += ["", *_power(draw)]
    _keep("\n".join([*lines, "", _circumstances()]))
    return 0


def _line(setting: Setting, draw: np.random.Generator, sizes: tuple[int, int], features: int, analyses: int) -> str:
    alarms = by_rule = 0
    for _ in range(analyses):
        tested = [_test(setting, draw, *sizes) for _ in range(features)]
        p_values = [p for p, _ in tested]
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


def _test(setting: Setting, draw: np.random.Generator, n: int, m: int) -> tuple[float, float]:
    """The p-value of the statistic that decides, and the index over all bins."""
    ours, theirs = setting.draw(draw, n, m)
    profile = FeatureProfile("x", FeatureKind.NUMERIC, setting.bins, _counted(ours))
    groups = full_groups(profile, _counted(theirs))
    index = population_stability_index(ours / n, theirs / m)
    if setting.is_chi_square:
        return chi_square_law(groups).p_value(chi_square(groups)), index
    grouped = population_stability_index(groups.reference / n, groups.current / m)
    return psi_law(groups).p_value(grouped), index


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
