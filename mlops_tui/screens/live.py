"""What serves where, in a table's cells: production apart, by word and by colour."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from mlops_tui.themes.glyphs import Sign
from mlops_tui.themes.tokens import Token
from mlops_tui.widgets.cells import EMPTY, Cell

if TYPE_CHECKING:
    from mlops_tui.domain.deployments import LiveVersion

PROD = "PROD"


def version_text(live: LiveVersion) -> str:
    """The version, its share where it has not all of the traffic, and a sign where it may be out of date."""
    share = "" if live.share == 100.0 else f" {live.share:.0f}%"
    doubt = f" {Sign.UNKNOWN.glyph}" if live.unknown_since else ""
    return f"{live.version or 'unknown'}{share}{doubt}"


def production_cell(live: Iterable[LiveVersion]) -> Cell:
    """What serves in production."""
    texts = [version_text(item) for item in live]
    return Cell(f"{PROD} {', '.join(texts)}", Token.PRODUCTION) if texts else EMPTY


def elsewhere_cell(live: Iterable[LiveVersion]) -> Cell:
    """What serves in the other environments, by name."""
    return Cell(", ".join(f"{item.environment} {version_text(item)}" for item in live))


def environment_cell(name: str, *, is_production: bool) -> Cell:
    """An environment's name, production marked."""
    return Cell(f"{PROD} {name}", Token.PRODUCTION) if is_production else Cell(name)
