"""Two distributions side by side: a line for each value, with a bar for either side on one common scale."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mlops_tui.themes.tokens import Token
from mlops_tui.widgets.cells import Align, Cell, fit
from mlops_tui.widgets.text_layout import TextLine

LABEL_WIDTH = 18
_GAP = 2
_SHARE_WIDTH = 6
_LEAST_BAR = 4
# Half a block is left out: it is the sign of the cursor, which has a replacement of its own in ASCII.
_EIGHTHS = ("", "▏", "▎", "▍", "▍", "▋", "▊", "▉")


@dataclass(frozen=True, slots=True)
class Pair:
    """One value: how many rows of either side have it."""

    label: str
    first: int
    second: int
    is_special: bool = False


@dataclass(frozen=True, slots=True)
class PairData:
    """Two sides with their names and their numbers of rows."""

    names: tuple[str, str] = ("reference", "current")
    totals: tuple[int, int] = (0, 0)
    pairs: tuple[Pair, ...] = ()

    def shares(self, pair: Pair) -> tuple[float, float]:
        """The shares of a value."""
        return pair.first / max(1, self.totals[0]), pair.second / max(1, self.totals[1])


def pair_lines(data: PairData, width: int) -> list[TextLine]:
    """A line with the names, then one for each value; special ones (missing, infinite, new) stand out."""
    if not data.pairs:
        return [(Cell("Nothing to compare yet.", Token.MUTED),)]
    room = width - 2 * (_SHARE_WIDTH + 2 * _GAP)
    labels = min(LABEL_WIDTH, max(len(pair.label) for pair in data.pairs), room - 2 * _LEAST_BAR)
    bar = (room - labels) // 2
    if labels < _LEAST_BAR:
        return [(Cell("Too narrow.", Token.MUTED),)]
    longest = max((share for pair in data.pairs for share in data.shares(pair)), default=0.0) or 1.0
    rows = [_titles(data, labels, bar)]
    for pair in data.pairs:
        rows.append((Cell(fit(pair.label, labels), Token.WARNING if pair.is_special else Token.PLAIN),))
        for share, token in zip(data.shares(pair), (Token.SERIES_1, Token.SERIES_2), strict=True):
            rows[-1] += (
                Cell(" " * _GAP + bar_text(share / longest, bar), token),
                Cell(" " * _GAP + fit(percent(share), _SHARE_WIDTH, Align.RIGHT), Token.MUTED),
            )
    return rows


def bar_text(part: float, width: int) -> str:
    """A bar of ``part`` of ``width`` columns, to an eighth of one; what is there at all is seen."""
    eighths = round(part * width * 8)
    if part > 0:
        eighths = max(1, eighths)
    whole, rest = divmod(eighths, 8)
    return ("█" * whole + _EIGHTHS[rest]).ljust(width)


def percent(share: float) -> str:
    """A share in percent, in at most six columns."""
    if share and share < 0.001:
        return "<0.1%"
    return f"{100 * share:.1f}%"


def _titles(data: PairData, labels: int, bar: int) -> TextLine:
    cells: Sequence[Cell] = [Cell(" " * labels)]
    for name, total, token in zip(data.names, data.totals, (Token.SERIES_1, Token.SERIES_2), strict=True):
        title = fit(f"{name} {total:,}", bar + _GAP + _SHARE_WIDTH)
        cells = [*cells, Cell(" " * _GAP + title, token)]
    return tuple(cells)
