"""The tree: branches, folding, and nodes that keep their names."""

from __future__ import annotations

from textual.app import ComposeResult

from mlops_tui.widgets.cells import Cell
from mlops_tui.widgets.table_columns import Column
from mlops_tui.widgets.tree import Branch, Tree
from tests.widgets.apps import PaletteApp


def leaf(name: str, *children: Branch) -> Branch:
    return Branch(name, (Cell(name),), children)


ROOT = leaf("commit", leaf("job", leaf("run", leaf("version"))), leaf("data"))


class Growing(PaletteApp):
    """One tree."""

    def compose(self) -> ComposeResult:
        yield Tree((Column("what", "WHAT", 20, flex=1),))

    @property
    def branches(self) -> Tree:
        return self.query_one(Tree)

    def rows(self) -> list[str]:
        return [self.branches.source.cells(index)[0].text for index in range(len(self.branches.source))]


async def test_draws_branches_and_folds_them() -> None:
    app = Growing()
    async with app.run_test() as pilot:
        app.branches.focus()
        app.branches.show_branches([ROOT])
        assert app.rows() == ["commit", "├─ job", "│  └─ run", "│     └─ version", "└─ data"]
        await pilot.press("down", "space")
        assert app.rows() == ["commit", "├─ ▸ job", "└─ data"]
        app.branches.show_branches([leaf("new"), ROOT])
        assert app.rows() == ["new", "commit", "├─ ▸ job", "└─ data"]
        assert app.branches.cursor_key == "job"
        await pilot.press("space")
        assert "│  └─ run" in app.rows()
