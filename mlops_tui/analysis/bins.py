"""Bins that follow a distribution: equal shares of the reference, and a bin of its own for every frequent value."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from mlops_tui.analysis.sparse_columns import FloatArray
from mlops_tui.analysis.value_tables import ValueTable
from mlops_tui.domain.profiles import MOST_BINS, CategoryBins, NumericBins

# A single value has the bins below and above it beside its own.
FEWEST_BINS = 3

# The outermost shares are halved so often, as values are furthest apart there.
_HALVINGS = 8
_MANY_BINS = 100


def numeric_bins(table: ValueTable, most: int = MOST_BINS) -> NumericBins:
    """At most ``most`` bins, of about equal shares, and finer ones towards the ends of many.

    Few different values get a bin each; of many, those that fill two bins or more by themselves. Such a value ``a``
    lies between the edges ``nextafter(a, -inf)`` and ``a``.
    """
    if not FEWEST_BINS <= most <= MOST_BINS:
        raise ValueError(f"a column has from {FEWEST_BINS} to {MOST_BINS} bins, not {most}")
    total = int(table.counts.sum())
    is_single = table.lows == table.highs
    is_atom = is_single & (2 * len(table.counts) < most)
    if not bool(is_atom.all()):
        is_atom = is_single & (table.counts * (most - 1) >= 2 * total)
    atoms = table.highs[is_atom]
    with np.errstate(over="ignore"):
        below = np.nextafter(atoms, -np.inf)
    edges = np.concatenate([atoms, below, _quantiles(table, total, most - 2 * len(atoms))])
    return NumericBins(tuple(np.unique(edges[np.isfinite(edges)]).tolist()))


def _quantiles(table: ValueTable, total: int, bins: int) -> FloatArray:
    """The values that cut the distribution into so many bins."""
    halvings = _HALVINGS if bins > _MANY_BINS else 0
    shares = bins - 2 * halvings
    if shares < 2 or total == 0:
        return np.empty(0)
    targets = [-(-total * part // shares) for part in range(1, shares)]
    for halving in range(1, halvings + 1):
        end = total // (shares << halving)
        targets += [end, total - end] if end else []
    values: FloatArray = table.highs[np.searchsorted(np.cumsum(table.counts), targets)]
    return values


def table_counts(table: ValueTable, bins: NumericBins) -> tuple[int, ...]:
    """How the values of a table fall into the bins that were made from it; exact."""
    below = np.searchsorted(table.highs, edge_array(bins), side="right")
    cumulative = np.append(0, np.cumsum(table.counts))[np.append(below, len(table.counts))]
    return tuple(np.diff(cumulative, prepend=0).tolist())


def category_bins(counts: Mapping[str, int], most: int = MOST_BINS) -> CategoryBins:
    """A bin for each of the most frequent categories, most frequent first, ties by name."""
    ordered = sorted(counts, key=lambda category: (-counts[category], category))
    return CategoryBins(tuple(ordered[: most - 1]))


@lru_cache(maxsize=256)
def edge_array(bins: NumericBins) -> NDArray[np.float64]:
    """The edges as an array, which is shared and must not be written to."""
    edges = np.array(bins.edges, np.float64)
    edges.flags.writeable = False
    return edges
