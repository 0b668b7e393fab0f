"""Lineage as a tree to draw: the links that are missing stand where they should be, with the reason."""

from __future__ import annotations

from dataclasses import dataclass

from mlops_tui.domain.lineage import LineageKind, LineageNode
from mlops_tui.themes.glyphs import Sign
from mlops_tui.themes.tokens import Token
from mlops_tui.widgets.cells import Cell
from mlops_tui.widgets.table_columns import Column
from mlops_tui.widgets.tree import Branch

COLUMNS = (
    Column("what", "WHAT", 38, flex=1, max_width=80, is_sortable=False),
    Column("detail", "DETAIL", 12, flex=2, max_width=60, priority=50, is_sortable=False),
)


@dataclass(frozen=True, slots=True)
class LineageEntry:
    """What a row of the tree stands for."""

    title: str
    web_url: str
    is_run: bool


def lineage_branches(root: LineageNode) -> tuple[Branch, dict[str, LineageEntry]]:
    """The tree, and by the keys of its rows what each stands for."""
    entries: dict[str, LineageEntry] = {}
    return _branch(root, "", entries), entries


def _branch(node: LineageNode, path: str, entries: dict[str, LineageEntry]) -> Branch:
    key = f"{path}/{node.kind.value} {node.title}"
    is_run = node.kind is LineageKind.RUN and not node.is_missing
    entries[key] = LineageEntry(node.title, node.web_url, is_run)
    children = tuple(_branch(child, key, entries) for child in node.children)
    if node.is_missing:
        cells = (Cell(f"{Sign.UNKNOWN.glyph} {node.title}", Token.WARNING), Cell(node.detail, Token.WARNING))
        return Branch(key, cells, children)
    title = node.title if node.kind is LineageKind.DEPLOYMENT else f"{node.kind.value} {node.title}"
    token = Token.STRONG if node.kind is LineageKind.VERSION else Token.PLAIN
    return Branch(key, (Cell(title, token), Cell(node.detail, Token.MUTED)), children)
