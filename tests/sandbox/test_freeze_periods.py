"""Deploy freezes: made over REST, told by GraphQL and to pipelines."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from mlops_tui.sandbox.cron import Cron
from tests.sandbox.delivery import Workbench

FREEZES = """query($path: ID!, $name: String!) { project(fullPath: $path) { environment(name: $name) {
deployFreezes { status startCron endTime } } } }"""
GUARDED = """
ship: {script: [echo shipped], rules: [{if: $CI_DEPLOY_FREEZE, when: never}, {when: always}]}
look: {script: [echo looked]}
"""


def test_a_freeze_is_told_to_whoever_asks_and_to_pipelines(bench: Workbench) -> None:
    bench.post("/environments", {"name": bench.name})
    body = {"freeze_start": "0 0 * * *", "freeze_end": "59 23 * * *"}
    assert bench.post("/freeze_periods", body).status_code == 403
    made = bench.post("/freeze_periods", body, bench.maintainer)
    assert (made.status_code, made.json()["cron_timezone"]) == (201, "UTC")
    path = f"{bench.project}/freeze_periods/{made.json()['id']}"
    assert bench.reporter.get(path).json()["freeze_end"] == "59 23 * * *"
    asked = {"query": FREEZES, "variables": {"path": "sandbox/empty", "name": bench.name}}
    answer = bench.reporter.post(f"{bench.server.url}/api/graphql", json=asked).json()
    (freeze,) = answer["data"]["project"]["environment"]["deployFreezes"]
    assert (freeze["status"], freeze["startCron"]) == ("ACTIVE", "0 0 * * *")
    bench.configure(GUARDED)
    assert set(bench.jobs(bench.run())) == {"look"}
    wrong = bench.post("/freeze_periods", {"freeze_start": "often", "freeze_end": "1 1 * * *"}, bench.maintainer)
    assert (wrong.status_code, wrong.json()) == (400, {"message": {"freeze_start": ["is invalid syntax"]}})
    assert (
        bench.maintainer.put(path, json={"cron_timezone": "Europe/Berlin"}).json()["cron_timezone"] == "Europe/Berlin"
    )
    assert bench.maintainer.delete(path).status_code == 204
    assert bench.reporter.get(path).status_code == 404
    assert set(bench.jobs(bench.run())) == {"look", "ship"}


@pytest.mark.parametrize(
    ("text", "before", "after"),
    [
        ("0 23 * * 5", "2026-11-20 23:00", "2026-11-27 23:00"),
        ("*/15 8-10,12 * * *", "2026-11-27 10:45", "2026-11-27 12:00"),
        ("0 0 1 1 *", "2026-01-01 00:00", "2027-01-01 00:00"),
        ("30 10 13 * 7", "2026-11-22 10:30", "2026-11-29 10:30"),
        ("0 0 30 2 *", None, None),
    ],
)
def test_times_of_cron(text: str, before: str | None, after: str | None) -> None:
    now, zone, cron = datetime(2026, 11, 27, 11, 7, tzinfo=UTC), ZoneInfo("UTC"), Cron.parse(text)
    found = (cron.previous(now, zone), cron.following(now, zone))
    assert [f"{moment:%Y-%m-%d %H:%M}" if moment else None for moment in found] == [before, after]


@pytest.mark.parametrize("text", ["", "* * * *", "60 * * * *", "5-1 * * * *", "*/0 * * * *", "a * * * *"])
def test_what_is_no_time_of_cron(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        Cron.parse(text)
