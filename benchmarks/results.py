"""What was measured, and how it is written down."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pairs:
    """The same thing measured of us and of a peer, alternately, in one unit."""

    ours: tuple[float, ...]
    theirs: tuple[float, ...]

    @property
    def ratios(self) -> tuple[float, ...]:
        """Ours divided by the peer's, pair by pair."""
        return tuple(own / other for own, other in zip(self.ours, self.theirs, strict=True))

    @property
    def ratio(self) -> float:
        """The median of the ratios."""
        return statistics.median(self.ratios)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table: what was measured, of us, of the peer, the ratio, and what was promised.

    ``holds`` is None where nothing was promised.
    """

    what: str
    ours: str
    peer: str
    ratio: str
    promise: str
    holds: bool | None

    def cells(self) -> tuple[str, ...]:
        """The line as text."""
        verdict = {True: "yes", False: "**no**", None: ""}[self.holds]
        return (self.what, self.ours, self.peer, self.ratio, self.promise, verdict)


@dataclass(frozen=True, slots=True)
class Section:
    """What one module measured: a title, how it was done, and its rows."""

    title: str
    how: str
    rows: tuple[Row, ...]

    def markdown(self) -> str:
        """The section as it stands in the page."""
        titles = ("what", "mlops-tui", "peer", "ratio", "promised", "holds")
        lines = [" | ".join(titles), " | ".join("---" for _ in titles)]
        lines += [" | ".join(cell.replace("|", "\\|") for cell in row.cells()) for row in self.rows]
        table = "\n".join(f"| {line} |" for line in lines)
        return f"## {self.title}\n\n{self.how}\n\n{table}"


def alternate(ours: Callable[[], float], theirs: Callable[[], float], count: int) -> Pairs:
    """Measure both ``count`` times, one after the other, and who goes first in turn."""
    pairs: list[tuple[float, float]] = []
    for number in range(count):
        if number % 2:
            other = theirs()
            pairs.append((ours(), other))
        else:
            pairs.append((ours(), theirs()))
    return Pairs(tuple(own for own, _ in pairs), tuple(other for _, other in pairs))


def paired_row(what: str, pairs: Pairs, show: Callable[[float], str], peer: str, most: float | None) -> Row:
    """A row about pairs; ``most`` is the greatest ratio that was promised."""
    low, high = min(pairs.ratios), max(pairs.ratios)
    return Row(
        what,
        spread(pairs.ours, show),
        f"{peer}: {spread(pairs.theirs, show)}",
        f"{pairs.ratio:.2f} ({low:.2f} to {high:.2f})",
        "" if most is None else f"at most {most:g}x",
        None if most is None else pairs.ratio <= most,
    )


def spread(values: Sequence[float], show: Callable[[float], str]) -> str:
    """The median with the least and the greatest."""
    if min(values) == max(values):
        return show(values[0])
    return f"{show(statistics.median(values))} ({show(min(values))} to {show(max(values))})"


def milliseconds(seconds: float) -> str:
    """Seconds, written in milliseconds."""
    return f"{seconds * 1000:,.0f} ms"


def megabytes(amount: float) -> str:
    """Bytes, written in megabytes of a million."""
    return f"{amount / 1e6:,.0f} MB"


def percent(share: float) -> str:
    """A share of one, written in percent."""
    return f"{share * 100:.2f} %"
