"""One table with 100,000 runs, beside the same table with 1,000."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random

import httpx

from benchmarks.company import Console, Server, console, serving
from benchmarks.results import Pairs, Row, Section, megabytes, milliseconds, paired_row
from benchmarks.terminal import Burst, Terminal

PAIRS = 5
FEW = 1_000
_MOST = 1.5
_MOST_BYTES = 200e6
_FILTER = "metrics.auc > 0.8"


@dataclass(slots=True)
class _Console:
    """A console on one table, with what was measured there."""

    home: Console
    seconds: dict[str, list[float]] = field(default_factory=dict)
    peak: float = 0.0

    def add(self, what: str, burst: Burst) -> None:
        self.seconds.setdefault(what, []).append(burst.last)


def measure() -> Section:
    """Time from a key to the last byte of what it draws, and the peak of memory."""
    with _filled("large") as many, _filled("empty", _log_few) as few:
        for number in range(PAIRS):
            for table in (many, few) if number % 2 else (few, many):
                _use(table)
    rows = [_row(what, many, few) for what in many.seconds]
    rows.append(
        Row(
            "peak memory of the process",
            megabytes(many.peak),
            f"{FEW:,} runs: {megabytes(few.peak)}",
            f"{many.peak / few.peak:.2f}",
            f"under {megabytes(_MOST_BYTES)}",
            many.peak < _MOST_BYTES,
        )
    )
    return Section(
        "100,000 runs in one table",
        f"From a key to the last byte of what it draws, in a terminal of 120x40, {PAIRS} times each, alternating with "
        f"the same on {FEW:,} runs; both open from a warm cache.",
        tuple(rows),
    )


def _row(what: str, many: _Console, few: _Console) -> Row:
    pairs = Pairs(tuple(many.seconds[what]), tuple(few.seconds[what]))
    return paired_row(what, pairs, milliseconds, f"{FEW:,} runs", _MOST)


@contextmanager
def _filled(world: str, fill: Callable[[Server], None] = lambda _server: None) -> Iterator[_Console]:
    with serving(world) as server:
        fill(server)
        with console(server, poll_interval=600) as home:
            with home.open() as terminal:
                _go_to_runs(terminal)
                terminal.settle(quiet=6.0, timeout=120.0)
                terminal.leave("q")
            yield _Console(home)


def _go_to_runs(terminal: Terminal) -> Burst:
    terminal.settle(quiet=2.0)
    return terminal.press("2", quiet=0.7)


def _use(table: _Console) -> None:
    with table.home.open() as terminal:
        table.add("open the view", _go_to_runs(terminal))
        terminal.settle(quiet=2.0)
        table.add("one row down", terminal.press("down"))
        table.add("to the last row", terminal.press("end"))
        terminal.press("home")
        terminal.type("/")
        terminal.watch(0.5)
        terminal.type(_FILTER)
        terminal.watch(0.5)
        table.add(f"filter `{_FILTER}`", terminal.press("enter", quiet=0.7))
        table.add("take the filter away", terminal.press("escape", quiet=0.7))
        terminal.type("s")
        terminal.watch(0.5)
        terminal.type("auc")
        terminal.watch(0.5)
        table.add("sort by a metric", terminal.press("enter", quiet=0.7))
        table.peak = max(table.peak, float(terminal.peak_bytes()))


def _log_few(server: Server) -> None:
    """Log runs with the names of metrics and parameters that the large world has."""
    base = f"{server.url}/api/v4/projects/{server.projects[0].replace('/', '%2F')}/ml/mlflow/api/2.0/mlflow"
    with httpx.Client(headers={"PRIVATE-TOKEN": server.token}, timeout=60, trust_env=False) as client:
        made = client.post(f"{base}/experiments/create", json={"name": "sweep"}).raise_for_status().json()
        random = Random(1)
        values = [(number, random.random()) for number in range(FEW)]
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda value: _log(client, base, made["experiment_id"], *value), values))


def _log(client: httpx.Client, base: str, experiment: str, number: int, auc: float) -> None:
    started = 1_760_000_000_000 + number * 60_000
    body = {"experiment_id": experiment, "run_name": f"run-{number}", "start_time": started}
    run_id = client.post(f"{base}/runs/create", json=body).raise_for_status().json()["run"]["info"]["run_id"]
    names: Sequence[tuple[str, float]] = (("auc", auc), ("loss", 1 - auc))
    metrics = [{"key": key, "value": value, "timestamp": started, "step": 1} for key, value in names]
    params = [{"key": "learning_rate", "value": "0.01"}, {"key": "optimizer", "value": "adam"}]
    batch = {"run_id": run_id, "metrics": metrics, "params": params}
    client.post(f"{base}/runs/log-batch", json=batch).raise_for_status()
    ended = {"run_id": run_id, "status": "FINISHED", "end_time": started + 1000}
    client.post(f"{base}/runs/update", json=ended).raise_for_status()
