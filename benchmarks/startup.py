"""Opening: from the start of the program to rows on the screen, beside a Textual that says hello, and harlequin."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence

from benchmarks.company import BIN, PROGRAM, Console, console, serving
from benchmarks.hello import GREETING
from benchmarks.results import Row, Section, alternate, milliseconds, paired_row
from benchmarks.terminal import Terminal

PAIRS = 7
HELLO = (sys.executable, "-m", "benchmarks.hello")
HARLEQUIN = BIN.parents[1] / ".venv-harlequin" / "bin" / "harlequin"
# What the overview shows of the demo world: the version that is live in production.
ROWS = "PROD 2.0.0"
_QUERY_EDITOR = "Query Editor"


def measure() -> Section:
    """Time to rows, from the cache that an earlier start left."""
    with serving() as server, console(server, ("acme/fraud",)) as home:
        cold = _seconds((PROGRAM,), home.environment, ROWS)
        _fill_cache(home)
        ours = lambda: _seconds((PROGRAM,), home.environment, ROWS)  # noqa: E731 - named for the pairs below
        hello = alternate(ours, lambda: _seconds(HELLO, home.environment, GREETING), PAIRS)
        rows = [
            paired_row("open, warm cache, to rows on the screen", hello, milliseconds, "hello", 1.5),
            Row("open for the first time, to rows from the sandbox", milliseconds(cold), "", "", "", None),
        ]
        if HARLEQUIN.exists():
            editor = alternate(ours, lambda: _seconds((str(HARLEQUIN),), home.environment, _QUERY_EDITOR), PAIRS)
            row = paired_row("open, warm cache, to rows on the screen", editor, milliseconds, "harlequin", None)
            rows.append(Row(row.what, row.ours, row.peer, row.ratio, "less than harlequin", editor.ratio < 1))
    return Section(
        "Opening",
        f"From the start of the process to the text on the terminal, {PAIRS} pairs, alternating with a Textual program "
        "that shows one line, and with harlequin where `make harlequin` has installed it. 120x40.",
        tuple(rows),
    )


def _fill_cache(home: Console) -> None:
    """Leave what a person leaves who looked at it for a while."""
    with home.open() as terminal:
        terminal.wait_for(ROWS)
        terminal.settle(quiet=2.0)
        terminal.leave("q")


def _seconds(command: Sequence[str], environment: Mapping[str, str], text: str) -> float:
    with Terminal(command, environment) as terminal:
        return terminal.wait_for(text)
