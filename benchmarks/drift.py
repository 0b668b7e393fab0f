"""Drift of a million rows of twenty features, beside Evidently and NannyML where ``make peers`` has installed them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from benchmarks.company import UNSET
from benchmarks.results import Pairs, Row, Section, alternate, megabytes, milliseconds, paired_row

ROOT = Path(__file__).parents[1]
PEERS = Path(os.environ.get("MLOPS_TUI_PEERS", ROOT / ".venv-peers")) / "bin" / "python"
_PAIRS = 5


@dataclass(frozen=True, slots=True)
class Measured:
    """What one process took: seconds of work, without imports and (for the peers) without reading, and peak bytes."""

    seconds: float
    memory: float


def measure() -> Section:
    """Measure cold and warm analyses beside the peers, and memory as rows grow."""
    title = "Drift, 1,000,000 rows of 20 features"
    if not PEERS.exists():
        return Section(title, "Not measured: `make peers` installs what it is measured against.", ())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _run("data", folder)
        _run("warm", folder)
        rows = (*_times(folder), *_memory(folder))
    how = (
        f"{_PAIRS} pairs, alternating, each in a process of its own with the same interpreter, numpy and pyarrow. "
        "Ours is timed with reading the Parquet files, the peers without. Evidently makes PSI and KS, NannyML KS and "
        "Jensen-Shannon, ours all eleven statistics. `cold` profiles the reference first, `warm` has its profile."
    )
    return Section(title, how, rows)


def _times(folder: Path) -> tuple[Row, ...]:
    rows = []
    for what, peer, most in (
        ("cold", "evidently", 1 / 15),
        ("warm", "evidently", 1 / 45),
        ("cold", "nannyml", 1 / 2),
        ("warm", "nannyml", 1 / 6),
    ):
        pairs = _pairs(what, peer, folder)
        row = paired_row(f"{what}, time", pairs, milliseconds, peer, None)
        faster = f"{1 / pairs.ratio:.1f}x faster"
        rows.append(Row(row.what, row.ours, row.peer, faster, f"{1 / most:.0f}x faster", pairs.ratio <= most))
    return tuple(rows)


def _pairs(what: str, peer: str, folder: Path) -> Pairs:
    return alternate(lambda: _run(what, folder).seconds, lambda: _run(peer, folder).seconds, _PAIRS)


def _memory(folder: Path) -> tuple[Row, ...]:
    ours, theirs = _run("cold", folder).memory, _run("evidently", folder).memory
    share = ours / theirs
    rows = [
        Row(
            "cold, peak memory of the process",
            megabytes(ours),
            f"evidently: {megabytes(theirs)}",
            f"{share:.2f}",
            "at most 1/8",
            share <= 1 / 8,
        )
    ]
    for what, few, many in (("comparing with a profile", "warm", "many"), ("making a profile", "fit", "fit_many")):
        small, large = _run(few, folder).memory, _run(many, folder).memory
        growth = large / small
        rows.append(
            Row(
                f"{what}, peak memory with 10,000,000 rows",
                megabytes(large),
                f"with 1,000,000: {megabytes(small)}",
                f"{growth:.2f}",
                "at most 1.1x",
                growth <= 1.1,
            )
        )
    return tuple(rows)


def _run(what: str, folder: Path) -> Measured:
    environment = {key: value for key, value in os.environ.items() if key not in UNSET} | {"DO_NOT_TRACK": "1"}
    ended = subprocess.run(
        [str(PEERS), "-m", "benchmarks.drift_worker", what, str(folder)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if ended.returncode:
        sys.stderr.write(ended.stderr)
        raise RuntimeError(f"{what} could not be measured")
    last = ended.stdout.strip().splitlines()[-1:] or ['{"seconds": 0.0, "memory": 0}']
    return Measured(**json.loads(last[0]))
