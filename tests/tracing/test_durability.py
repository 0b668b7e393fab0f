"""What was acknowledged survives the death of the collector, whenever it comes."""

from __future__ import annotations

import random
import signal
import sqlite3
import threading
from pathlib import Path

import httpx
import pytest

from tests.tracing.collector import PROTOBUF
from tests.tracing.processes import CollectorProcess, collector_process
from tests.tracing.requests import inference, request

pytestmark = pytest.mark.serial

DEATHS = 5
BATCH = 20


class Sender(threading.Thread):
    """Sends batches one after the other, each until it is acknowledged, and remembers which were."""

    def __init__(self, process: CollectorProcess, number: int) -> None:
        super().__init__()
        self._process = process
        self._first = number * 1_000_000 + 1
        self.acknowledged: set[int] = set()
        self.refused: list[int] = []
        self.failures = 0
        self.is_ending = threading.Event()

    def run(self) -> None:
        with httpx.Client(trust_env=False, timeout=10) as client:
            while not self.is_ending.is_set():
                numbers = range(self._first, self._first + BATCH)
                body = request([inference(number) for number in numbers])
                try:
                    answer = client.post(self._process.url + "/v1/traces", content=body, headers=PROTOBUF)
                except httpx.TransportError:
                    self.failures += 1
                    self.is_ending.wait(0.01)
                    continue
                if answer.status_code == 200 and not answer.content:
                    self.acknowledged |= set(numbers)
                    self._first += BATCH
                else:
                    self.refused.append(answer.status_code)


def test_every_acknowledged_span_is_there_after_any_number_of_kills(tmp_path: Path) -> None:
    chance = random.Random(1)
    with collector_process(tmp_path, "--window", "10s") as process:
        senders = [Sender(process, number) for number in range(3)]
        for sender in senders:
            sender.start()
        for _ in range(DEATHS):
            threading.Event().wait(chance.uniform(0.2, 0.8))
            assert process.end(signal.SIGKILL) == -signal.SIGKILL
            process.start()
        for sender in senders:
            sender.is_ending.set()
            sender.join()
        assert process.end() == 0
    acknowledged = set().union(*(sender.acknowledged for sender in senders))
    with sqlite3.connect(tmp_path / "traces.db") as connection:
        stored = [int.from_bytes(key[16:], "big") for (key,) in connection.execute("SELECT id FROM spans")]
        counted, newest = connection.execute(
            "SELECT (SELECT sum(spans) FROM windows), max(number) FROM spans"
        ).fetchone()
    assert len(acknowledged) > 500
    assert sum(sender.failures for sender in senders) >= DEATHS
    assert [sender.refused for sender in senders] == [[], [], []]
    assert acknowledged <= set(stored)
    assert len(stored) == len(set(stored)) == counted == newest


def test_requests_under_way_are_answered_before_the_end(tmp_path: Path) -> None:
    with collector_process(tmp_path) as process:
        sender = Sender(process, 1)
        sender.start()
        while not sender.acknowledged:
            threading.Event().wait(0.01)
        assert process.end() == 0
        sender.is_ending.set()
        sender.join()
    with sqlite3.connect(tmp_path / "traces.db") as connection:
        (stored,) = connection.execute("SELECT count(*) FROM spans").fetchone()
    assert stored >= len(sender.acknowledged) > 0
    assert sender.refused == []


def test_a_flood_of_nonsense_does_not_make_it_grow(tmp_path: Path) -> None:
    """The names are all different, so that whatever remembers names would grow with them."""
    with collector_process(tmp_path) as process, httpx.Client(trust_env=False, timeout=30) as client:

        def flood(rounds: range) -> None:
            for turn in rounds:
                strange = {f"x.{turn}.{place}": 1.0 for place in range(200)}
                known = {f"ml.x{turn}.{place}": "a" * 20 for place in range(100)}
                spans = [inference(turn * 100 + 1 + step, more={**strange, **known}) for step in range(10)]
                client.post(process.url + "/v1/traces", content=request(spans)[: -turn % 3 or None], headers=PROTOBUF)

        flood(range(1, 60))
        before = resident(process)
        flood(range(60, 160))
        assert resident(process) < before * 1.5


def resident(process: CollectorProcess) -> int:
    """The memory of the process in pages."""
    assert process._child is not None
    return int(Path(f"/proc/{process._child.pid}/statm").read_text().split()[1])
