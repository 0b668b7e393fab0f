"""Reading whole columns of a table into memory, for formulas that need every value in the order of the rows."""

from __future__ import annotations

import numpy as np

from mlops_tui.analysis.raw_columns import RawColumn, RawNumbers, RawTexts, Unusable
from mlops_tui.datasets.columns import Cells, Dataset, Nature
from mlops_tui.domain.drift import FeatureKind
from mlops_tui.operations.profiles import Kinds


def read_raw(dataset: Dataset, kinds: Kinds | None = None) -> dict[str, RawColumn]:
    """The columns in ``kinds``, or all of them.

    Raises:
        DataError: the table is damaged.
    """
    parts: dict[str, list[Cells]] = {}
    for name, cells in dataset.read(list(kinds) if kinds else None):
        parts.setdefault(name, []).append(cells)
    names = list(kinds) if kinds else list(dict.fromkeys([*dataset.columns, *parts]))
    return {
        name: _column(parts.get(name, []), (kinds or {}).get(name), dataset.rows)
        if name in parts or name in dataset.columns
        else Unusable("the data have no such column")
        for name in names
    }


def _column(parts: list[Cells], kind: FeatureKind | None, rows: int) -> RawColumn:
    natures = {part.nature for part in parts}
    unfit = natures & {Nature.OTHER, Nature.MIXED}
    if unfit:
        return Unusable(f"it holds {unfit.pop().value}")
    # A table that names columns on the way has no cells for the rows before.
    before = rows - sum(part.rows for part in parts)
    if kind is not FeatureKind.CATEGORICAL and Nature.TEXTS not in natures:
        numbers = [part.numbers() for part in parts]
        if not any(read.strange for read in numbers):
            values = np.concatenate([np.full(before, np.nan), *(read.values for read in numbers)])
            return RawNumbers(values, bool(parts) and not before and all(part.is_whole for part in parts))
        if kind in {FeatureKind.NUMERIC, FeatureKind.SCORE}:
            return Unusable("it holds text where numbers are expected")
    texts: list[str | None] = [None] * before
    for part in parts:
        texts += part.texts()
    return RawTexts(texts)
