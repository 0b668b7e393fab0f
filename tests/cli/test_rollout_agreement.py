"""Two terminals with nothing in common but GitLab and the traces say the same of a rollout."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mlops_tui.operations.rollouts.starts import prepare_start
from mlops_tui.storage.traces import FILE_NAME
from tests.cli.conftest import Program
from tests.cli.test_models import Shell
from tests.operations.company import Company
from tests.operations.conftest import company, demo_data
from tests.operations.rolling import Traffic, act, churn_session, plan_for

__all__ = ["company", "demo_data"]
SAME = ("verdict", "judgement", "weights", "step", "steps", "plan", "state", "since", "begun_at", "arms", "weight")
ACTS = {"started", "stepped", "held", "resumed", "promoted", "aborted"}
CHURN = """
version: 1
models:
  churn:
    deploy:
      with: variables
      parameters: {model: MODEL_NAME, version: MODEL_VERSION, environment: MODEL_ENVIRONMENT, intent: MODEL_INTENT}
    rollout:
      driver: jobs
      steps: [{weight: 10}, {weight: 50}, {weight: 100}]
      guardrails: [{name: errors, kind: rate, direction: lower, margin: 0.02}]
"""
FRAUD = """
version: 1
models:
  fraud:
    deploy: {with: inputs, parameters: {intent: intent}}
    rollout:
      driver: flag
      steps: [{weight: 5}, {weight: 25}]
      guardrails: [{name: errors, kind: rate, direction: lower, margin: 0.05}]
"""
Show = Callable[[str, str], dict[str, Any]]


@pytest.fixture
def shell(program: Program, company: Company, monkeypatch: pytest.MonkeyPatch) -> Shell:
    return Shell(program, company, monkeypatch)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the terminal that acts keeps its data."""
    folder = tmp_path / "here"
    (folder / "data").mkdir(parents=True)
    monkeypatch.setenv("MLOPS_TUI_HOME", str(folder))
    return folder


@pytest.fixture
def show(shell: Shell, home: Path, monkeypatch: pytest.MonkeyPatch) -> Show:
    """Show a rollout in a terminal with data of its own; every one but ``blind`` sees the same traces."""

    def look(name: str, terminal: str) -> dict[str, Any]:
        folder = home.parent / terminal
        (folder / "data").mkdir(parents=True, exist_ok=True)
        traces = folder / "data" / FILE_NAME
        if terminal != "blind" and not traces.exists() and (home / "data" / FILE_NAME).exists():
            traces.symlink_to(home / "data" / FILE_NAME)
        monkeypatch.setenv("MLOPS_TUI_HOME", str(folder))
        (page,) = shell.items("rollouts", "show", name)
        listed = {row["id"]: row["verdict"] for row in shell.items("rollouts", "list")}
        assert listed[page["id"]] == page["verdict"]
        monkeypatch.setenv("MLOPS_TUI_HOME", str(home))
        return page

    return look


def prepared(company: Company, plan: str, path: str) -> None:
    async def planned() -> None:
        async with company.session() as session:
            await plan_for(company, session, plan, path)

    asyncio.run(planned())


def serve(company: Company, home: Path, windows: int, faults: float = 0.0) -> None:
    async def served() -> None:
        async with company.session() as session, Traffic(session, folder=home / "data") as traffic:
            await traffic.flow(windows, faults=faults)

    asyncio.run(served())


def acts(page: dict[str, Any]) -> list[tuple[str, str]]:
    """What people did, in their order."""
    return [(event["kind"], event["text"]) for event in page["events"] if event["kind"] in ACTS]


def assert_same(here: dict[str, Any], there: dict[str, Any]) -> None:
    assert {key: there[key] for key in SAME} == {key: here[key] for key in SAME}
    # Only who did it, and why, is told by the journal alone.
    assert [kind for kind, _ in acts(there)] == [kind for kind, _ in acts(here)]


def shares(page: dict[str, Any]) -> list[float]:
    return [point["weights"].get("canary", 0.0) for point in page["weights"]]


def test_a_rollout_that_went_back_on_a_breach(shell: Shell, company: Company, home: Path, show: Show) -> None:
    prepared(company, FRAUD, "acme/fraud")
    go = ("--yes", "--confirm", "fraud")
    assert shell("rollouts", "start", "fraud", "2.1.0", "--to", "production", *go).status == 0
    serve(company, home, 6)
    assert shell("rollouts", "hold", "fraud", *go).status == 0
    serve(company, home, 1)
    assert shell("rollouts", "resume", "fraud", *go).status == 0
    assert shell("rollouts", "advance", "fraud", *go).status == 0
    serve(company, home, 8, faults=0.5)
    assert_same(show("fraud", "here"), show("fraud", "elsewhere"))
    # The terminal that acts has not looked since the last windows closed, and aborts all the same.
    company.sandbox_clock.advance(30)
    assert shell("rollouts", "abort", "fraud", "--reason", "it fails", *go).status == 0
    serve(company, home, 3)
    here, there = show("fraud", "here"), show("fraud", "there")
    assert (here["verdict"], here["state"]) == ("BREACH", "rolled_back")
    assert here["judgement"]["reason"].startswith("errors of canary")
    assert shares(here) == [0.0, 5.0, 25.0, 0.0]
    assert acts(there) == [
        ("started", "started: step 1 of 2 at 5 %"),
        ("held", "held"),
        ("resumed", "resumed"),
        ("stepped", "step 2 of 2 at 25 %"),
        ("aborted", "aborted, back to 2.0.0"),
    ]
    assert_same(here, there)
    assert [event for event in there["events"] if event["kind"] == "verdict"] == [
        event for event in here["events"] if event["kind"] == "verdict"
    ]
    assert [event["text"] for event in here["events"] if event["kind"] == "aborted"] == [
        "aborted, back to 2.0.0: it fails"
    ]
    # Where the traces are gone as well, what was written when it ended is said, and said to be that.
    blind = show("fraud", "blind")
    assert (blind["verdict"], blind["weights"]) == ("BREACH", here["weights"])
    assert blind["judgement"]["reason"] == "as written when the rollout ended; no evidence is left."


@pytest.mark.parametrize("weights", [(5, 25), (5, 25, 100)])
def test_a_rollout_that_was_promoted(
    shell: Shell, company: Company, home: Path, show: Show, weights: tuple[int, ...]
) -> None:
    plan = FRAUD.replace("{weight: 5}, {weight: 25}", ", ".join(f"{{weight: {weight}}}" for weight in weights))
    prepared(company, plan, "acme/fraud")
    go = ("--yes", "--confirm", "fraud")
    assert shell("rollouts", "start", "fraud", "2.1.0", "--to", "production", *go).status == 0
    serve(company, home, 8)
    for _ in weights:
        ended = shell("rollouts", "advance", "fraud", *go)
        assert ended.status == 0, ended.err
        serve(company, home, 8)
    company.sandbox_clock.advance(60)
    assert shell("rollouts", "advance", "fraud", *go).status == 0
    here, there = show("fraud", "here"), show("fraud", "there")
    assert (here["verdict"], here["state"]) == ("HEALTHY", "done")
    assert_same(here, there)
    assert acts(there) == [
        ("started", f"started: step 1 of {len(weights)} at 5 %"),
        *(("stepped", f"step {n} of {len(weights)} at {weight} %") for n, weight in enumerate(weights, 1) if n > 1),
        ("promoted", "2.1.0 is deployed in full"),
        ("promoted", "done: 2.1.0 serves everything"),
    ]
    assert acts(there) == acts(here)
    assert shares(there) == [0.0, *weights, 0.0]
    # Another plan, made for the next rollout, does not judge this one anew.
    prepared(company, plan.replace("margin: 0.05", "margin: 0.0001"), "acme/fraud")
    for terminal in ("here", "there"):
        page = show("fraud", terminal)
        assert (page["verdict"], page["judgement"]["reason"]) == (
            "HEALTHY",
            "as written when the rollout ended; the plan is another one now.",
        )
        assert page["steps"] == 0


def test_a_rollout_by_the_jobs_of_a_pipeline(shell: Shell, company: Company, home: Path, show: Show) -> None:
    go = ("--yes", "--confirm", "churn")

    async def begun_elsewhere() -> None:
        async with churn_session(company) as session:
            await plan_for(company, session, CHURN, "acme/churn")
            project = await company.project(session, "acme/churn")
            await act(session, await prepare_start(session, project, "churn", ("2.0.0",), "production"))

    asyncio.run(begun_elsewhere())
    company.sandbox_clock.advance(30)
    assert_same(show("churn", "here"), show("churn", "elsewhere"))
    assert shell("rollouts", "advance", "churn", *go).status == 0
    company.sandbox_clock.advance(30)
    here, there = show("churn", "here"), show("churn", "there")
    assert shares(there) == [0.0, 10.0, 50.0]
    assert_same(here, there)
    assert {event["text"]: event["by"] for event in there["events"] if event["kind"] in ACTS} == {
        "started": "", "step 1 of 3 at 10 %": "mona", "step 2 of 3 at 50 %": "mona",
    }  # fmt: skip
    assert shell("rollouts", "advance", "churn", *go).status == 0
    company.sandbox_clock.advance(60)
    here, there = show("churn", "here"), show("churn", "there")
    assert here["state"] == "done"
    assert shares(there) == [0.0, 10.0, 50.0, 100.0]
    for key in SAME:
        assert there[key] == here[key]
    assert max(Counter(acts(here)).values()) == 1
    assert ("promoted", "done: 2.0.0 serves everything") in acts(there)
