from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from mlops_tui.domain.alert_board import Acknowledgement, Silence
from mlops_tui.domain.alerts import AlertState, AlertStatus
from mlops_tui.storage.alerts import AlertStore

NOW = datetime(2026, 3, 1, 12, 0, 0, 250_000, tzinfo=UTC)
STATUS = AlertStatus(
    AlertState.FIRING, NOW, timedelta(minutes=7), NOW, NOW, 0.25, 100, True, NOW - timedelta(hours=1), None, 3
)


async def test_what_is_remembered_comes_back_as_it_was(tmp_path: Path) -> None:
    store = AlertStore(tmp_path / "alerts.db")
    assert await store.advance("f", "rule", lambda before: STATUS if before is None else before) == STATUS
    await store.acknowledge("f", Acknowledgement(STATUS.episode, "mona", NOW, "on it"))
    await store.silence("f", Silence(NOW, "ada", NOW, "known"))
    await store.tell("f", STATUS.episode)
    store.close()
    again = AlertStore(tmp_path / "alerts.db")
    assert await again.status("f", "rule") == STATUS
    assert await again.status("f", "another rule") is None
    handling = (await again.handlings())["f"]
    assert handling.acknowledgement == Acknowledgement(STATUS.episode, "mona", NOW, "on it")
    assert handling.silence == Silence(NOW, "ada", NOW, "known")
    assert handling.told == STATUS.episode
    await again.silence("f", None)
    assert (await again.handlings())["f"] == replace(handling, silence=None)
    again.close()


def test_a_broken_file_is_set_aside_and_begun_anew(tmp_path: Path) -> None:
    path = tmp_path / "alerts.db"
    path.write_bytes(b"no database" * 500)
    store = AlertStore(path)
    assert "begun anew" in store.notices[0]
    assert asyncio.run(store.handlings()) == {}
    store.close()
    assert any(item.name != "alerts.db" and item.read_bytes().startswith(b"no data") for item in tmp_path.iterdir())
