"""What a column looked like: the bins of its reference, and how many values fell into each."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TypeAlias

from mlops_tui.domain.drift import FeatureKind
from mlops_tui.domain.errors import UsageError

MOST_BINS = 1_000


class ProfileError(UsageError):
    """A profile is damaged, of another version, or no profile at all."""


class UnsuitedColumnError(ProfileError):
    """A column holds no sort of thing that a distribution says anything about: dates, lists, identifiers."""


@dataclass(frozen=True, slots=True)
class NumericBins:
    """Bins of numbers: bin ``i`` holds what is above ``edges[i - 1]`` and at most ``edges[i]``.

    ``edges`` are finite and strictly increase; the first and the last bin are open. A value that is frequent in itself
    has a bin of its own, between the next smaller number and the value.
    """

    edges: tuple[float, ...]

    def __post_init__(self) -> None:
        if not all(map(math.isfinite, self.edges)):
            raise ValueError("an edge is not a finite number")
        if any(low >= high for low, high in zip(self.edges, self.edges[1:], strict=False)):
            raise ValueError("the edges do not increase")

    @property
    def size(self) -> int:
        """How many bins there are."""
        return len(self.edges) + 1


@dataclass(frozen=True, slots=True)
class CategoryBins:
    """A bin for each of the reference's most frequent categories, and a last one for all others."""

    categories: tuple[str, ...]

    def __post_init__(self) -> None:
        if len(set(self.categories)) != len(self.categories):
            raise ValueError("a category stands twice")

    @property
    def size(self) -> int:
        """How many bins there are."""
        return len(self.categories) + 1


Bins: TypeAlias = NumericBins | CategoryBins


@dataclass(frozen=True, slots=True)
class FeatureCounts:
    """How the values of one column fell into bins.

    ``n`` counts all rows: those without a value (``missing``), those that hold NaN or an infinity, and those in
    ``counts``. ``sum``, ``sum_sq``, ``min`` and ``max`` are of the finite numbers; ``min`` and ``max`` are None where
    there are none, and a sum is infinite where no number can hold it. Counts of the same bins add up.
    """

    n: int
    missing: int
    nan: int
    pos_inf: int
    neg_inf: int
    sum: float
    sum_sq: float
    min: float | None
    max: float | None
    counts: tuple[int, ...]

    def __post_init__(self) -> None:
        parts = (self.missing, self.nan, self.pos_inf, self.neg_inf, *self.counts)
        if min(parts) < 0 or sum(parts) != self.n:
            raise ValueError("the counts do not add up to the number of rows")

    @property
    def valid(self) -> int:
        """How many values fell into bins."""
        return sum(self.counts)

    @property
    def absent(self) -> int:
        """How many rows hold no value: missing ones and NaN."""
        return self.missing + self.nan

    @property
    def mean(self) -> float | None:
        """The mean of the finite numbers, None where there are none."""
        return self.sum / self.valid if self.valid and math.isfinite(self.sum) else None

    @property
    def deviation(self) -> float | None:
        """The standard deviation of the finite numbers (divided by n), None where it does not exist.

        It is exact to about 1e-16 times the square of mean over deviation.
        """
        mean = self.mean
        if mean is None or not math.isfinite(self.sum_sq):
            return None
        return math.sqrt(max(0.0, self.sum_sq / self.valid - mean * mean))

    def merged(self, other: FeatureCounts) -> FeatureCounts:
        """Both together; the two are of the same bins.

        Raises:
            ValueError: they are not.
        """
        return FeatureCounts(
            n=self.n + other.n,
            missing=self.missing + other.missing,
            nan=self.nan + other.nan,
            pos_inf=self.pos_inf + other.pos_inf,
            neg_inf=self.neg_inf + other.neg_inf,
            sum=self.sum + other.sum,
            sum_sq=self.sum_sq + other.sum_sq,
            min=min((bound for bound in (self.min, other.min) if bound is not None), default=None),
            max=max((bound for bound in (self.max, other.max) if bound is not None), default=None),
            counts=tuple(mine + theirs for mine, theirs in zip(self.counts, other.counts, strict=True)),
        )


@dataclass(frozen=True, slots=True)
class FeatureProfile:
    """One column of the reference."""

    name: str
    kind: FeatureKind
    bins: Bins
    counts: FeatureCounts

    def __post_init__(self) -> None:
        if len(self.counts.counts) != self.bins.size:
            raise ValueError("there are not as many counts as bins")


@dataclass(frozen=True, slots=True)
class ReferenceProfile:
    """What the data looked like that drift is measured against.

    ``profile_id`` is the SHA-256 of the canonical form, 64 hexadecimal digits, and equal for equal data however they
    were split.
    """

    features: tuple[FeatureProfile, ...]
    profile_id: str = field(compare=False)

    def feature(self, name: str) -> FeatureProfile | None:
        """The column of that name."""
        return next((feature for feature in self.features if feature.name == name), None)


@dataclass(frozen=True, slots=True)
class StoredProfile:
    """A profile that was found somewhere; ``source`` says where, for people."""

    profile: ReferenceProfile
    source: str
