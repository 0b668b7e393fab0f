"""Commands that print and end, beside a Python that imports the HTTP client."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence

from benchmarks.company import PROGRAM, Console, console, serving
from benchmarks.results import Row, Section, alternate, milliseconds, paired_row

PAIRS = 5
PEER = (sys.executable, "-c", "import httpx")
COMMANDS = (
    ("--version",),
    ("config", "contexts"),
    ("environments", "list"),
    ("models", "list"),
    ("runs", "list", "--limit", "20"),
)


def measure() -> Section:
    """Time from start to end, and whether Textual was imported."""
    with serving() as server, console(server, ("acme/fraud",)) as home:
        rows = [_row(home, command) for command in COMMANDS]
    return Section(
        "Commands",
        f"From start to end, {PAIRS} pairs, alternating with `python -c 'import httpx'`. The last three ask a sandbox "
        "on this machine, so GitLab's share of the time is in them.",
        tuple(rows),
    )


def _row(home: Console, command: Sequence[str]) -> Row:
    _seconds(home, (PROGRAM, *command))
    pairs = alternate(lambda: _seconds(home, (PROGRAM, *command)), lambda: _seconds(home, PEER), PAIRS)
    row = paired_row(f"`mlops-tui {' '.join(command)}`", pairs, milliseconds, "import httpx", 3.0)
    imported = _imports_textual(home, command)
    return Row(
        f"{row.what}{', imports Textual' if imported else ''}",
        *(row.ours, row.peer, row.ratio),
        f"{row.promise}, no Textual",
        bool(row.holds) and not imported,
    )


def _seconds(home: Console, command: Sequence[str]) -> float:
    start = time.perf_counter()
    subprocess.run(command, env=home.environment, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - start


def _imports_textual(home: Console, command: Sequence[str]) -> bool:
    traced = (sys.executable, "-X", "importtime", "-m", "mlops_tui", *command)
    ended = subprocess.run(traced, env=home.environment, check=True, capture_output=True, text=True)
    return any(line.rsplit("|", 1)[-1].strip().split(".")[0] == "textual" for line in ended.stderr.splitlines())
