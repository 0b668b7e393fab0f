"""Drift of a million rows of twenty features, beside Evidently and NannyML where ``make peers`` has installed them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.company import UNSET
from benchmarks.results import Pairs, Row, Section, megabytes, milliseconds, paired_row

ROOT = Path(__file__).parents[1]
PEERS = Path(os.environ.get("MLOPS_TUI_PEERS", ROOT / ".venv-peers")) / "bin" / "python"
_ROUNDS = 5
_WHAT = ("cold", "evidently", "warm", "nannyml")


@dataclass(frozen=True, slots=True)
class Measured:
    """What one process took: seconds of work, without imports and (for the peers) without reading, and peak bytes.

    ``processor`` is what the work took of all cores together, which other programs on the machine hardly change.
    """

    seconds: float
    processor: float
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
        rounds = [{what: _run(what, folder) for what in _in_turn(number)} for number in range(_ROUNDS)]
        rows = (*_times(rounds), *_memory(folder, rounds))
    how = (
        f"{_ROUNDS} rounds, each process with the same interpreter, numpy and pyarrow, and who goes first in turn. "
        "Ours is timed with reading the Parquet files, the peers without. Evidently makes PSI and KS, NannyML KS and "
        "Jensen-Shannon, ours ten statistics. `cold` profiles the reference first, `warm` has its profile. Ours works "
        "in two threads, so that its time grows more than the peers' when others use the machine; its processor time "
        "does not."
    )
    return Section(title, how, rows)


def _in_turn(number: int) -> tuple[str, ...]:
    return _WHAT[number % len(_WHAT) :] + _WHAT[: number % len(_WHAT)]


def _times(rounds: list[dict[str, Measured]]) -> Iterator[Row]:
    for peer, promised in (("evidently", {"cold": 15, "warm": 45}), ("nannyml", {"cold": 2, "warm": 6})):
        for what, faster in promised.items():
            pairs = _pairs([(found[what].seconds, found[peer].seconds) for found in rounds])
            yield _faster(f"{what}, time", pairs, peer, f"{faster}x faster", pairs.ratio <= 1 / faster)
            pairs = _pairs([(found[what].processor, found[peer].processor) for found in rounds])
            yield _faster(f"{what}, processor time", pairs, peer, "", None)


def _pairs(seconds: list[tuple[float, float]]) -> Pairs:
    return Pairs(tuple(ours for ours, _ in seconds), tuple(theirs for _, theirs in seconds))


def _faster(what: str, pairs: Pairs, peer: str, promise: str, holds: bool | None) -> Row:
    row = paired_row(what, pairs, milliseconds, peer, None)
    low, high = 1 / max(pairs.ratios), 1 / min(pairs.ratios)
    return Row(what, row.ours, row.peer, f"{1 / pairs.ratio:.1f}x faster ({low:.1f} to {high:.1f})", promise, holds)


def _memory(folder: Path, rounds: list[dict[str, Measured]]) -> tuple[Row, ...]:
    ours, theirs = (max(found[what].memory for found in rounds) for what in ("cold", "evidently"))
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
    last = ended.stdout.strip().splitlines()[-1:] or ['{"seconds": 0.0, "processor": 0.0, "memory": 0}']
    return Measured(**json.loads(last[0]))
