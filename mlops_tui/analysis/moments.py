"""What adds up while numbers stream by: how many, their sums and their bounds."""

from __future__ import annotations

from dataclasses import dataclass

from mlops_tui.analysis.exact_sums import as_number, exact_sum, exact_sum_of_squares
from mlops_tui.analysis.sorted_values import SortedValues
from mlops_tui.domain.profiles import FeatureCounts


@dataclass(frozen=True, slots=True)
class Moments:
    """Counts and exact sums of a stretch of a numeric column; ``total`` and ``squares`` are in units of 2**-1074."""

    rows: int = 0
    missing: int = 0
    nan: int = 0
    pos_inf: int = 0
    neg_inf: int = 0
    total: int = 0
    squares: int | None = 0
    least: float | None = None
    greatest: float | None = None

    @classmethod
    def of(cls, batch: SortedValues, missing: int) -> Moments:
        """The moments of one batch, in which missing values stand as NaN and are ``missing`` in number."""
        finite = batch.finite
        return cls(
            rows=len(finite) + batch.nan + batch.pos_inf + batch.neg_inf,
            missing=missing,
            nan=batch.nan - missing,
            pos_inf=batch.pos_inf,
            neg_inf=batch.neg_inf,
            total=exact_sum(finite),
            squares=exact_sum_of_squares(finite),
            least=float(finite[0]) + 0.0 if len(finite) else None,
            greatest=float(finite[-1]) + 0.0 if len(finite) else None,
        )

    def merged(self, other: Moments) -> Moments:
        """Both together."""
        return Moments(
            rows=self.rows + other.rows,
            missing=self.missing + other.missing,
            nan=self.nan + other.nan,
            pos_inf=self.pos_inf + other.pos_inf,
            neg_inf=self.neg_inf + other.neg_inf,
            total=self.total + other.total,
            squares=None if self.squares is None or other.squares is None else self.squares + other.squares,
            least=min((bound for bound in (self.least, other.least) if bound is not None), default=None),
            greatest=max((bound for bound in (self.greatest, other.greatest) if bound is not None), default=None),
        )

    def counted(self, counts: tuple[int, ...], more_missing: int = 0) -> FeatureCounts:
        """The record of this column, given how its finite numbers fell into bins.

        ``more_missing`` rows never mentioned the column.
        """
        return FeatureCounts(
            n=self.rows + more_missing,
            missing=self.missing + more_missing,
            nan=self.nan,
            pos_inf=self.pos_inf,
            neg_inf=self.neg_inf,
            sum=as_number(self.total),
            sum_sq=as_number(self.squares),
            min=self.least,
            max=self.greatest,
            counts=counts,
        )
