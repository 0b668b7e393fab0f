"""A feature's distribution as bars: neighbouring ranges are put together until all fit into the lines at hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mlops_tui.domain.drift_windows import Cell, FeatureDistribution
from mlops_tui.widgets.pair_lines import Pair, PairData

_ABSENT = frozenset({"missing", "NaN", "+inf", "-inf", "new or rare"})


@dataclass(frozen=True, slots=True)
class FittedPairs:
    """The bars of a distribution in at most so many lines."""

    distribution: FeatureDistribution

    def __call__(self, most: int) -> PairData:
        """In ``most`` lines; values that are absent, infinite or new keep a line of their own."""
        cells = self.distribution.cells
        special = [cell for cell in cells if _is_special(cell)]
        usual = [cell for cell in cells if not _is_special(cell)]
        room = max(1, most - len(special))
        fitted = _ranges(usual, room) if any(map(_is_range, usual)) else _categories(usual, room)
        pairs = [Pair(cell.label, cell.reference, cell.current) for cell in fitted]
        pairs += [Pair(cell.label, cell.reference, cell.current, is_special=True) for cell in special]
        totals = (self.distribution.n_reference, self.distribution.n_current)
        return PairData(("reference", "current"), totals, tuple(pairs))


def whole_pairs(distribution: FeatureDistribution) -> PairData:
    """Every value there is."""
    return FittedPairs(distribution)(len(distribution.cells))


def _is_range(cell: Cell) -> bool:
    return cell.low is not None or cell.high is not None


def _is_special(cell: Cell) -> bool:
    return cell.label in _ABSENT and not _is_range(cell)


def _ranges(cells: Sequence[Cell], most: int) -> list[Cell]:
    """Neighbours put together, as many into each line."""
    size = -(-len(cells) // most)
    parts = [cells[start : start + size] for start in range(0, len(cells), size)]
    return [_together(part, _range_label(part[0].low, part[-1].high)) for part in parts]


def _categories(cells: Sequence[Cell], most: int) -> list[Cell]:
    """The first ones, and the rest in one line."""
    if len(cells) <= most:
        return list(cells)
    shown, rest = cells[: most - 1], cells[most - 1 :]
    return [*shown, _together(rest, "the others")]


def _together(cells: Sequence[Cell], label: str) -> Cell:
    return Cell(
        label,
        sum(cell.reference for cell in cells),
        sum(cell.current for cell in cells),
        low=cells[0].low,
        high=cells[-1].high,
    )


def _range_label(low: float | None, high: float | None) -> str:
    if low is None:
        return "all" if high is None else f"to {high:.4g}"
    return f"over {low:.4g}" if high is None else f"{low:.4g} to {high:.4g}"
