"""Rollouts from the command line, against a company that answers over HTTP."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.cli.conftest import Ended, Program
from tests.cli.schemas import judge, schema_of
from tests.cli.test_models import Shell
from tests.operations.company import Company
from tests.operations.conftest import company, demo_data
from tests.operations.rolling import Traffic, plan_for

__all__ = ["company", "demo_data"]
GO = ("--yes", "--confirm", "fraud", "-o", "json")


class FraudShell(Shell):
    """The program with the fraud model's project alone."""

    def __call__(self, *arguments: str) -> Ended:
        return self._program("--url", self._company.server.url, "--project", "acme/fraud", *arguments)


@pytest.fixture
def shell(program: Program, company: Company, monkeypatch: pytest.MonkeyPatch) -> Shell:
    return FraudShell(program, company, monkeypatch)


def lines(out: str) -> list[dict[str, Any]]:
    """The lines of a watch, each held to the schema."""
    items = [json.loads(line) for line in out.splitlines()]
    schema = schema_of("rollouts-watch")["properties"]["items"]["items"]
    for item in items:
        jsonschema.Draft202012Validator(schema).validate(item)
    return items


def test_a_rollout_from_its_start_to_its_abort(shell: Shell) -> None:
    assert shell.items("rollouts", "list") == []
    preview = shell("rollouts", "start", "fraud", "2.1.0", "--to", "production", "--dry-run", "-o", "json")
    judge(preview.document)
    (item,) = preview.document["items"]
    (call,) = item["calls"]
    assert call["body"]["strategies"][0]["parameters"]["rollout"] == "20"
    changes = {change["label"]: change["after"] for change in item["changes"]}
    assert changes["step 1"].startswith("at least 30s, 100 samples per arm")
    assert shell("rollouts", "start", "fraud", "2.1.0", "--to", "production", "-o", "json").status == 5
    started = shell("rollouts", "start", "fraud", "2.1.0", "--to", "production", *GO)
    judge(started.document)
    assert (started.status, started.document["items"][0]["outcome"]) == (0, "done")
    (row,) = shell.items("rollouts", "list")
    assert {key: row[key] for key in ("model", "version", "control", "environment", "driver", "step", "weight")} == {
        "model": "fraud", "version": "2.1.0", "control": "2.0.0", "environment": "production",
        "driver": "flag", "step": 1, "weight": 20.0,
    }  # fmt: skip
    assert shell("rollouts", "start", "fraud", "2.1.0", "--to", "production", *GO).status == 5
    (page,) = shell.items("rollouts", "show", row["id"])
    assert [arm["version"] for arm in page["arms"]] == ["2.0.0", "2.1.0"]
    assert page["measured"]["slow answers"].startswith("spans of more than")
    table = shell("rollouts", "show", "fraud")
    assert "step 1" in table.out
    assert shell("rollouts", "hold", "fraud", "--reason", "lunch", *GO).status == 0
    assert shell("rollouts", "watch", "fraud", "--until", "held").status == 0
    ended = shell("rollouts", "watch", "fraud", "--timeout", "1")
    assert (ended.status, [item["course"] for item in lines(ended.out)]) == (3, ["wait"])
    assert shell("rollouts", "resume", "fraud", *GO).status == 0
    assert shell("rollouts", "advance", "fraud", "--arm", "canary", *GO).status == 2
    assert shell("rollouts", "advance", "fraud", *GO).status == 0
    assert shell.items("rollouts", "list")[0]["weight"] == 50.0
    assert shell("rollouts", "abort", "fraud", *GO).status == 2
    assert shell("rollouts", "abort", "fraud", "--reason", "enough", *GO).status == 0
    assert shell.items("rollouts", "list")[0]["state"] == "rolled_back"
    assert shell("rollouts", "watch", "fraud", "--until", "done").status == 1
    assert shell("rollouts", "hold", "fraud", *GO).status == 5
    assert shell("rollouts", "show", "nothing").status == 2
    start = ("rollouts", "start")
    for unknown in (("nothing", "2.1.0", "--to", "production"), ("fraud", "9.9.9", "--to", "production")):
        assert shell(*start, *unknown, "--dry-run").status == 2
    assert shell(*start, "fraud", "2.1.0", "--to", "nowhere", "--dry-run").status == 2
    for noun in ("models", "runs"):
        ended = shell(noun, "show", "00000000-0000-0000-0000-000000000000")
        assert (ended.status, "There is no" in ended.err) == (2, True)


def test_a_list_that_could_not_be_read_is_no_empty_list(
    shell: Shell, company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert shell("rollouts", "list", "-o", "json").document["items"] == []
    monkeypatch.setenv("GITLAB_TOKEN", company.server.tokens["reporter"])
    ended = shell("rollouts", "list", "-o", "json")
    assert (ended.status, ended.out) == (5, "")
    assert "flags" in ended.err
    # A policy file that is wrong hides no rollout.
    monkeypatch.setenv("GITLAB_TOKEN", company.server.tokens["maintainer"])

    async def spoilt() -> None:
        async with company.session() as session:
            await plan_for(company, session, "version: 1\nmodels: {fraud: {rollout: {}}}")

    asyncio.run(spoilt())
    ended = shell("rollouts", "list", "-o", "json")
    assert (ended.status, ended.document["items"]) == (0, [])


def test_a_watched_rollout_goes_back_and_its_evidence_is_judged_again(
    shell: Shell, company: Company, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    monkeypatch.setenv("MLOPS_TUI_HOME", str(home))
    (home / "data").mkdir(parents=True)

    def serve(windows: int, **flow: Any) -> None:
        async def served() -> None:
            async with company.session() as session, Traffic(session, folder=home / "data") as traffic:
                await traffic.flow(windows, **flow)

        asyncio.run(served())

    serve(6, canary=0)
    preview = shell("rollouts", "start", "fraud", "2.1.0", "--to", "production", "--dry-run", "-o", "json")
    changes = {change["label"]: change["after"] for change in preview.document["items"][0]["changes"]}
    assert re.search(r"(errors|slow answers) is decided after about [0-9,]+ of the new version, ", changes["step 1"])
    told = shell("rollouts", "start", "fraud", "2.1.0", "--to", "production", "--dry-run").out
    assert "  compared with: 2.0.0\n" in told
    assert "  weight: 0 % -> 20 %\n" in told
    assert shell("rollouts", "start", "fraud", "2.1.0", "--to", "production", *GO).status == 0
    serve(3)
    shown = shell("rollouts", "show", "fraud").out
    assert re.search(
        r"expected +estimate: a verdict on .+ after about [0-9,]+ more of canary, at this pace about", shown
    )
    assert re.search(r"watched by +nobody", shown)
    assert re.search(r"step 3 +100 %, until somebody goes on", shown)
    serve(7, faults=0.5)
    only = shell("rollouts", "watch", "fraud", "--until", "soaking", "--timeout", "2")
    assert [item["course"] for item in lines(only.out)] == ["roll_back"]
    assert "Only watching" in only.err
    ended = shell("rollouts", "watch", "fraud", "--yes", "--confirm", "fraud")
    assert ended.status == 1, ended.err
    (item,) = lines(ended.out)
    assert (item["verdict"], item["state"], item["receipt"]["outcome"]) == ("BREACH", "rolled_back", "done")
    (page,) = shell.items("rollouts", "show", "fraud")
    assert [event["text"].split(" by ")[0] for event in page["events"] if event["kind"] == "lease"] == [
        "lease 1 was taken",
        "lease 1 was given back",
    ]
    assert [arm["samples"] for arm in page["arms"]] == [600, 600]
    evidence = Path(page["evidence"])
    again = shell("rollouts", "judge", "--plan", str(evidence.with_suffix(".plan.json")), "--replay", str(evidence))
    assert again.status == 1
    assert "BREACH" in again.out


@pytest.fixture
def interrupts(request: pytest.FixtureRequest) -> Iterator[None]:
    """What programs started here do on SIGINT: those of a background job ignore it, and those of a terminal do not."""
    before = signal.signal(signal.SIGINT, request.param)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interrupts")
@pytest.mark.parametrize(
    ("number", "interrupts"),
    [
        (signal.SIGTERM, signal.default_int_handler),
        (signal.SIGTERM, signal.SIG_IGN),
        (signal.SIGINT, signal.default_int_handler),
    ],
    ids=["ended", "ended-in-the-background", "interrupted"],
    indirect=["interrupts"],
)
def test_a_watch_that_is_ended_gives_its_lease_back(
    shell: Shell, company: Company, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    monkeypatch.setenv("MLOPS_TUI_HOME", str(tmp_path / "home"))
    assert shell("rollouts", "start", "fraud", "2.1.0", "--to", "production", *GO).status == 0
    line = [sys.executable, "-m", "mlops_tui", "--url", company.server.url, "--project", "acme/fraud"]
    line += ["rollouts", "watch", "fraud", "--yes", "--confirm", "fraud"]
    with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as child:
        assert child.stdout is not None
        child.stdout.readline()
        child.send_signal(number)
        child.communicate(timeout=30)
    (page,) = shell.items("rollouts", "show", "fraud")
    told = [event["text"].split(" by ")[0] for event in page["events"] if event["kind"] == "lease"]
    assert (child.returncode, told) == (130, ["lease 1 was taken", "lease 1 was given back"])
