from __future__ import annotations

import itertools
from pathlib import Path
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from mlops_tui.cli.options import Format, GlobalOptions, noun, takes_global_options

WORDS = ("--context", "work", "--project", "a/b", "--project", "c/d", "--token-file", "t", "--read-only", "--dry-run")
MORE = ("--yes", "--confirm", "fraud", "--timeout", "2.5", "-o", "json", "--url", "https://a")
EVERYTHING = GlobalOptions(
    context="work",
    url="https://a",
    projects=("a/b", "c/d"),
    token_file=Path("t"),
    read_only=True,
    dry_run=True,
    yes=True,
    confirm="fraud",
    timeout=2.5,
    output=Format.JSON,
)


def called(*arguments: str) -> tuple[GlobalOptions, str]:
    """What a command gets to see; its own option and argument are among the global ones."""
    seen: list[tuple[GlobalOptions, str]] = []
    root = typer.Typer()
    things = noun("things", "Things.")

    @root.callback()
    @takes_global_options
    def start(options: GlobalOptions) -> None:
        """Keep the options in front of the noun."""

    @things.command("show")
    @takes_global_options
    def show(
        name: Annotated[str, typer.Argument()],
        limit: Annotated[int, typer.Option("--limit")] = 1,
        *,
        options: GlobalOptions,
    ) -> None:
        seen.append((options, f"{name} {limit}"))

    root.add_typer(things)
    result = CliRunner().invoke(root, list(arguments))
    assert result.exit_code == 0, result.output
    return seen[0]


@pytest.mark.parametrize("place", ["before the noun", "after the noun", "after the command", "at the end"])
def test_every_option_works_in_every_place(place: str) -> None:
    words = {"before the noun": 0, "after the noun": 1, "after the command": 2, "at the end": 5}
    line = ["things", "show", "--limit", "3", "it"]
    line[words[place] : words[place]] = [*WORDS, *MORE]
    assert called(*line) == (EVERYTHING, "it 3")


def test_options_from_several_places_add_up() -> None:
    assert called(*WORDS, "things", *MORE, "show", "it")[0] == EVERYTHING


@pytest.mark.parametrize(("left", "right"), itertools.permutations(["table", "markdown", "json"], 2))
def test_the_one_further_right_wins(left: str, right: str) -> None:
    options, _ = called("-o", left, "--project", "a/b", "things", "show", "it", "-o", right, "--project", "c/d")
    assert (options.format, options.projects) == (Format(right), ("c/d",))


def test_nothing_said_is_a_table() -> None:
    options, _ = called("things", "show", "it")
    assert options == GlobalOptions()
    assert options.format is Format.TABLE
