"""Pipelines move by themselves, as their configuration and the clock say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mlops_tui.sandbox.clock import ManualClock
from mlops_tui.sandbox.server import running
from mlops_tui.sandbox.settings import Settings, World
from tests.sandbox.delivery import PICKUP, Workbench

if TYPE_CHECKING:
    from pathlib import Path

THREE_STAGES = """
stages: [build, test, deploy]
build: {stage: build, script: [sleep 20]}
unit: {stage: test, script: [sleep 20]}
lint: {stage: test, script: [sleep 40]}
ship: {stage: deploy, script: [sleep 20]}
"""


def statuses(bench: Workbench, pipeline: dict[str, object]) -> dict[str, str]:
    return {name: job["status"] for name, job in bench.jobs(pipeline).items()}


def test_stages_run_one_after_the_other(bench: Workbench) -> None:
    bench.configure(THREE_STAGES)
    pipeline = bench.run()
    assert pipeline["status"] == "created"
    assert set(statuses(bench, pipeline).values()) == {"created"}

    bench.advance(PICKUP)
    assert statuses(bench, pipeline) == {"build": "running", "unit": "created", "lint": "created", "ship": "created"}
    bench.advance(25)
    assert statuses(bench, pipeline)["build"] == "success"
    assert statuses(bench, pipeline)["ship"] == "created"
    bench.advance(25)
    assert statuses(bench, pipeline)["unit"] == "success"
    assert statuses(bench, pipeline)["lint"] == "running"
    bench.advance(120)
    whole = bench.pipeline(pipeline)
    assert whole["status"] == "success"
    assert whole["finished_at"] > whole["started_at"] > whole["created_at"]
    # build, then the longer of the tests, then ship, each with two seconds of preparation; the shorter test may be
    # picked up two seconds before the longer one
    assert 22 + 42 + 22 - 1 <= whole["duration"] <= 22 + 44 + 22 + 1


def test_it_does_not_matter_how_the_time_passes(bench: Workbench) -> None:
    """Every event is stamped with the time at which it was due, however late it is noticed."""
    bench.configure("one: {script: [sleep 10]}\ntwo: {script: [sleep 30]}")
    pipeline = bench.run()
    bench.advance(3600)
    jobs = bench.jobs(pipeline)
    for name, seconds in (("one", 12), ("two", 32)):
        assert jobs[name]["duration"] == pytest.approx(seconds, abs=0.01)
        assert 1 <= jobs[name]["queued_duration"] <= 3


def test_a_failure_skips_what_comes_later_and_a_retry_revives_it(bench: Workbench) -> None:
    bench.configure(
        """
stages: [test, deploy]
test: {stage: test, script: ['test "$CI_COMMIT_MESSAGE" != "" || exit 3']}
notify: {stage: deploy, script: [echo broken], when: on_failure}
clean: {stage: deploy, script: [echo clean], when: always}
ship: {stage: deploy, script: [echo shipped]}
"""
    )
    pipeline = bench.run()
    bench.advance(60)
    assert statuses(bench, pipeline) == {
        "test": "failed",
        "notify": "success",
        "clean": "success",
        "ship": "skipped",
    }
    assert bench.pipeline(pipeline)["status"] == "failed"
    assert bench.jobs(pipeline)["test"]["failure_reason"] == "script_failure"
    answer = bench.post(f"/pipelines/{pipeline['id']}/retry")
    assert answer.status_code == 201
    assert statuses(bench, pipeline)["ship"] == "created"
    assert statuses(bench, pipeline)["test"] == "pending"
    bench.advance(60)
    assert statuses(bench, pipeline)["ship"] == "skipped"


def test_a_job_that_may_fail_leaves_the_pipeline_passed_with_warnings(bench: Workbench) -> None:
    bench.configure("flaky: {script: [exit 1], allow_failure: true}\nsolid: {script: [true]}")
    pipeline = bench.run()
    bench.advance(60)
    whole = bench.pipeline(pipeline)
    assert whole["status"] == "success"
    assert whole["detailed_status"]["group"] == "success-with-warnings"
    assert whole["detailed_status"]["label"] == "passed with warnings"


def test_needs_start_a_job_before_its_stage(bench: Workbench) -> None:
    bench.configure(
        """
stages: [build, test]
fast: {stage: build, script: [sleep 5]}
slow: {stage: build, script: [sleep 300]}
early: {stage: test, needs: [fast], script: [sleep 5]}
late: {stage: test, script: [sleep 5]}
now: {stage: test, needs: [], script: [sleep 5]}
"""
    )
    pipeline = bench.run()
    bench.advance(60)
    assert statuses(bench, pipeline) == {
        "fast": "success",
        "slow": "running",
        "early": "success",
        "late": "created",
        "now": "success",
    }


def test_a_resource_group_lets_one_job_run_at_a_time(bench: Workbench) -> None:
    bench.configure(f"ship: {{script: [sleep 30], resource_group: {bench.name}}}")
    first, second, third = bench.run(), bench.run(), bench.run()
    bench.advance(PICKUP)
    assert [statuses(bench, one)["ship"] for one in (first, second, third)] == [
        "running",
        "waiting_for_resource",
        "waiting_for_resource",
    ]
    assert bench.pipeline(second)["status"] == "waiting_for_resource"
    group = bench.get(f"/resource_groups/{bench.name}")
    assert group["process_mode"] == "unordered"
    assert bench.get(f"/resource_groups/{bench.name}/current_job")["pipeline"]["id"] == first["id"]
    upcoming = bench.get(f"/resource_groups/{bench.name}/upcoming_jobs")
    assert [job["pipeline"]["id"] for job in upcoming] == [second["id"], third["id"]]
    bench.advance(32)
    assert [statuses(bench, one)["ship"] for one in (first, second, third)] == [
        "success",
        "running",
        "waiting_for_resource",
    ]
    bench.advance(120)
    assert statuses(bench, third)["ship"] == "success"


def test_the_newest_job_may_go_first(bench: Workbench) -> None:
    bench.configure(f"ship: {{script: [sleep 30], resource_group: {bench.name}}}")
    first, second, third = bench.run(), bench.run(), bench.run()
    changed = bench.developer.put(
        f"{bench.project}/resource_groups/{bench.name}", json={"process_mode": "newest_first"}
    )
    assert changed.json()["process_mode"] == "newest_first"
    bench.advance(PICKUP + 32)
    assert [statuses(bench, one)["ship"] for one in (first, second, third)] == [
        "success",
        "waiting_for_resource",
        "running",
    ]


def test_a_delayed_job_waits_for_its_time(bench: Workbench) -> None:
    bench.configure("later: {script: [sleep 5], when: delayed, start_in: 10 minutes}")
    pipeline = bench.run()
    bench.advance(60)
    assert statuses(bench, pipeline)["later"] == "scheduled"
    assert bench.pipeline(pipeline)["status"] == "scheduled"
    bench.advance(600)
    assert statuses(bench, pipeline)["later"] == "success"


def test_what_was_running_goes_on_after_a_restart(tmp_path: Path) -> None:
    settings = Settings(world=World.EMPTY, data=tmp_path)
    clock = ManualClock()
    with running(settings, clock) as server:
        bench = Workbench(server)
        bench.configure("train: {script: [sleep 100]}")
        pipeline = bench.run()
        bench.advance(PICKUP)
        before = bench.jobs(pipeline)["train"]
        assert before["status"] == "running"
        bench.close()
    later = ManualClock(clock.now())
    later.advance(3600)
    with running(settings, later) as server:
        bench = Workbench(server)
        after = bench.jobs(pipeline)["train"]
        bench.close()
    assert after["status"] == "success"
    assert after["started_at"] == before["started_at"]
    assert after["duration"] == pytest.approx(102, abs=0.01)


def test_the_same_seed_gives_the_same_times() -> None:
    def times(seed: int) -> list[float]:
        with running(Settings(world=World.EMPTY, seed=seed), ManualClock()) as server:
            bench = Workbench(server)
            bench.configure("train: {script: [python train.py, python evaluate.py]}")
            pipeline = bench.run()
            bench.advance(120)
            job = bench.jobs(pipeline)["train"]
            bench.close()
            return [job["duration"], job["queued_duration"]]

    assert times(1) == times(1)
    assert times(1) != times(2)
