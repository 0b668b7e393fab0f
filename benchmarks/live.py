"""Screens on which something happens: what they send to a terminal of 120x40."""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx

from benchmarks.company import Console, Server, console, serving
from benchmarks.results import Row, Section
from benchmarks.terminal import Terminal

SECONDS = 30.0
_MOST = 2_000.0
_MOST_SLOWLY = 500.0
_STEP_SECONDS = 2.0
_FIRST = "demand-studies"


def measure() -> Section:
    """Mean bytes a second of a running training and of a deployment that is followed."""
    with serving() as server, console(server, poll_interval=5) as fast, console(server, poll_interval=5) as slow:
        with _training(server, fast), ThreadPoolExecutor(2) as pool:
            usual = pool.submit(_watched, fast, (), ("enter",), _MOST)
            slowly = pool.submit(_watched, slow, ("--low-bandwidth",), ("down", "enter"), _MOST_SLOWLY)
        rows = [row for pair in zip(usual.result(), slowly.result(), strict=True) for row in pair]
    return Section(
        "Live screens",
        f"Bytes to a terminal of 120x40 within {SECONDS:.0f} s, polled every 5 s: the table of runs and the plot of "
        "one while a training logs a metric to it every second, and the page that follows a deployment from its start.",
        tuple(rows),
    )


@contextmanager
def _training(server: Server, home: Console) -> Iterator[None]:
    """Go on with the training that is running: log its first metric once a second, for the length of the block."""
    (run,) = json.loads(home.run("runs", "list", "--filter", "status = running", "--output", "json"))["items"]
    place = f"{server.url}/api/v4/projects/{run['project'].replace('/', '%2F')}/ml/mlflow/api/2.0/mlflow"
    metric, value = next(iter(run["metrics"].items()))
    ended = threading.Event()

    def log() -> None:
        with httpx.Client(headers={"PRIVATE-TOKEN": server.token}, trust_env=False) as client:
            for step in itertools.count(1_000):
                if ended.wait(1.0):
                    return
                body = {"run_id": run["run_id"], "key": metric, "value": value * (1 + step % 7 / 100), "step": step}
                client.post(f"{place}/runs/log-metric", json=body | {"timestamp": step}).raise_for_status()

    logger = threading.Thread(target=log)
    logger.start()
    try:
        yield
    finally:
        ended.set()
        logger.join()


def _watched(home: Console, options: Sequence[str], choice: Sequence[str], most: float) -> tuple[Row, Row]:
    """Both screens with these options; ``choice`` are the keys that open a model of its own."""
    return _runs(home, options, most), _promotion(home, options, choice, most)


def _runs(home: Console, options: Sequence[str], most: float) -> Row:
    with home.open(*options) as terminal:
        terminal.settle(quiet=2.0)
        terminal.press("2")
        terminal.wait_for(_FIRST)
        terminal.settle(quiet=2.0)
        table = terminal.watch(SECONDS / 2)
        terminal.press("m")
        terminal.settle(quiet=1.0)
        plot = terminal.watch(SECONDS / 2)
    return _row(f"runs, then a plot, training under way{_said(options)}", table + plot, most)


def _promotion(home: Console, options: Sequence[str], choice: Sequence[str], most: float) -> Row:
    with home.open(*options) as terminal:
        terminal.settle(quiet=2.0)
        _follow(terminal, choice)
        sent = terminal.watch(SECONDS)
    return _row(f"following a deployment{_said(options)}", sent, most)


def _follow(terminal: Terminal, choice: Sequence[str]) -> None:
    """Promote the first version of a model to staging, and stay on the page that follows it."""
    steps = (
        (("3",), "LATEST"),
        (choice, "Live when"),
        (("P",), "Promote which"),
        (("1.0.0", "enter"), "which environment"),
        (("staging", "enter"), "learning_rate"),
        (("tab", "enter"), "goes to staging"),
    )
    for keys, shown in steps:
        start = len(terminal.output)
        for key in keys:
            terminal.type(key)
            terminal.watch(_STEP_SECONDS)
        terminal.wait_for(shown, start=start)


def _said(options: Sequence[str]) -> str:
    return f", `{' '.join(options)}`" if options else ""


def _row(what: str, sent: int, most: float) -> Row:
    rate = sent / SECONDS
    return Row(what, f"{rate:,.0f} B/s", "", "", f"at most {most:,.0f} B/s", rate <= most)
