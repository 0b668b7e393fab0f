"""The way from a view to where one is, on one line."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len

from mlops_tui.themes.glyphs import Sign
from mlops_tui.themes.tokens import Token
from mlops_tui.widgets.cells import Cell, fit

_JOINT = f" {Sign.CRUMB.glyph} "


def breadcrumb(titles: Sequence[str], width: int) -> tuple[Cell, ...]:
    """The titles from the view to the current place, the nearest ones where not all fit."""
    kept = list(titles)
    while len(kept) > 1 and cell_len(_JOINT.join(kept)) > width:
        kept = kept[1:]
    if len(kept) < len(titles) and cell_len(_JOINT.join([Sign.ELLIPSIS.glyph, *kept])) <= width:
        kept = [Sign.ELLIPSIS.glyph, *kept]
    if not kept:
        return ()
    last = kept[-1] if cell_len(kept[-1]) <= width else fit(kept[-1], width)
    before = "".join(title + _JOINT for title in kept[:-1])
    return (Cell(before, Token.MUTED), Cell(last, Token.STRONG))
