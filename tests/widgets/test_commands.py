"""The grammar of the command line."""

from __future__ import annotations

import pytest

from mlops_tui.widgets.commands import Command, CommandError, ViewName, complete, parse_command

VIEWS = (ViewName("runs", ("run", "r")), ViewName("models", ("m",)), ViewName("rollouts"))
CONTEXTS = ("work", "prod-eu")


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("runs", Command("runs")),
        ("  r  ", Command("runs")),
        ("mod", Command("models")),
        ("runs /metrics.auc > 0.9", Command("runs", "metrics.auc > 0.9")),
        ("runs /!failed @prod-eu", Command("runs", "!failed", "prod-eu")),
        ("runs @work", Command("runs", None, "work")),
        ("/auc", Command(None, "auc")),
        ("@prod-eu", Command(None, None, "prod-eu")),
        ("ctx prod-eu", Command(None, None, "prod-eu")),
        ("ctx", Command("ctx")),
        ("runs /params.path = 'a/b'", Command("runs", "params.path = 'a/b'")),
        ('runs /tags.owner = "me @work"', Command("runs", 'tags.owner = "me @work"')),
        ("", Command()),
        ("q", Command("q")),
    ],
)
def test_reads(text: str, command: Command) -> None:
    assert parse_command(text, VIEWS, CONTEXTS) == command


@pytest.mark.parametrize(
    ("text", "column", "part"),
    [
        ("nope", 1, "no view 'nope'"),
        ("  nope", 3, "no view"),
        ("r0", 1, "no view"),
        ("ro x", 4, "too much"),
        ("runs @nowhere", 7, "no context 'nowhere'"),
        ("ctx nowhere", 5, "no context"),
    ],
)
def test_names_the_column_of_a_mistake(text: str, column: int, part: str) -> None:
    with pytest.raises(CommandError) as caught:
        parse_command(text, VIEWS, CONTEXTS)
    assert caught.value.column == column
    assert part in str(caught.value)


@pytest.mark.parametrize(
    ("text", "whole"),
    [("mo", "models"), ("ro", "rollouts"), ("runs @p", "runs @prod-eu"), ("runs /a", None), ("", None), ("zz", None)],
)
def test_completes(text: str, whole: str | None) -> None:
    assert complete(text, VIEWS, CONTEXTS) == whole
