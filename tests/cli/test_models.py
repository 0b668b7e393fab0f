"""The model registry from the command line, against a company that answers over HTTP."""

from __future__ import annotations

import shlex
from typing import Any

import pytest

from tests.cli.conftest import Ended, Program
from tests.cli.schemas import judge
from tests.operations.company import Company
from tests.operations.conftest import company, demo_data
from tests.sandbox.factory import client

__all__ = ["company", "demo_data"]


class Shell:
    """The program with the company's address and a person's token."""

    def __init__(self, program: Program, company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
        self._program = program
        self._company = company
        monkeypatch.setenv("GITLAB_HOST", company.server.url)
        monkeypatch.setenv("GITLAB_TOKEN", company.server.tokens["maintainer"])

    def __call__(self, *arguments: str) -> Ended:
        projects = [word for item in self._company.server.projects for word in ("--project", str(item["path"]))]
        return self._program("--url", self._company.server.url, *projects, *arguments)

    def items(self, *arguments: str) -> list[dict[str, Any]]:
        ended = self(*arguments, "--output", "json")
        assert ended.status == 0, ended.err
        judge(ended.document)
        items: list[dict[str, Any]] = ended.document["items"]
        return items

    def live(self, environment: str) -> Any:
        return next(
            row["version"] for row in self.items("models", "live", "fraud") if row["environment"] == environment
        )


@pytest.fixture
def shell(program: Program, company: Company, monkeypatch: pytest.MonkeyPatch) -> Shell:
    return Shell(program, company, monkeypatch)


def test_the_list_has_every_model_with_its_latest_version(shell: Shell) -> None:
    rows = {row["name"]: row for row in shell.items("models", "list")}
    assert {name: (row["latest_version"], row["versions"]) for name, row in rows.items()} == {
        "churn": ("2.0.0", 4),
        "demand": ("1.2.0", 5),
        "fraud": ("2.1.0", 7),
    }


def test_versions_are_shown_in_semantic_order(shell: Shell) -> None:
    (model,) = shell.items("models", "show", "fraud")
    numbers = [row["version"] for row in model["versions"]]
    assert numbers == ["1.0.0", "1.1.0", "1.2.0", "1.2.1", "2.0.0-rc.1", "2.0.0", "2.1.0"]
    assert [row["version"] for row in model["versions"] if "production" in row["live_in"]] == ["2.0.0"]


def test_what_was_live_at_a_past_moment(shell: Shell) -> None:
    now = next(row for row in shell.items("models", "live", "fraud") if row["environment"] == "production")
    before = shell.items("models", "live", "fraud", "--at", "2026-05-01")
    then = next(row for row in before if row["environment"] == "production")
    assert then["version"] not in {None, now["version"]}
    assert then["until"] <= now["since"]


def test_lineage_leads_from_the_commit_to_the_deployments(shell: Shell) -> None:
    (root,) = shell.items("models", "lineage", "fraud", "2.1.0")
    kinds, node = [root["kind"]], root
    while node["children"]:
        node = node["children"][-1]
        kinds.append(node["kind"])
    assert kinds == ["commit", "pipeline", "job", "run", "version", "deployment"]
    assert not root["missing"]


def test_promoting_and_rolling_back(shell: Shell, company: Company) -> None:
    promoted = shell(
        "models",
        "promote",
        "fraud",
        "2.1.0",
        "--to",
        "production",
        "--no-wait",
        "--yes",
        "--confirm",
        "fraud",
        "-o",
        "json",
    )
    judge(promoted.document)
    assert (promoted.status, promoted.document["items"][0]["outcome"]) == (0, "done")
    company.sandbox_clock.advance(600)
    assert shell.live("production") == "2.1.0"
    back = shell(
        "models",
        "rollback",
        "fraud",
        "--environment",
        "production",
        "--reason",
        "alarms",
        "--no-wait",
        "--yes",
        "--confirm",
        "fraud",
    )
    assert back.status == 0
    company.sandbox_clock.advance(600)
    assert shell.live("production") == "2.0.0"
    assert [row["action"] for row in shell.items("journal", "list")] == ["rollback", "promote"]


def test_a_dry_run_prints_calls_without_the_token_and_sends_nothing(shell: Shell, company: Company) -> None:
    before = client(company.server).get("/projects/101/pipelines").json()
    ended = shell("models", "promote", "fraud", "2.1.0", "--to", "production", "--dry-run")
    curls = [shlex.split(line) for line in ended.out.splitlines() if line.startswith("curl ")]
    assert [words[2] for words in curls] == ["POST", "PUT"]
    assert company.server.tokens["maintainer"] not in ended.out + ended.err
    assert client(company.server).get("/projects/101/pipelines").json() == before


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (("promote", "fraud", "2.1.0", "--to", "production", "--yes"), 5),
        (("promote", "fraud", "2.1.0", "--to", "production", "--yes", "--confirm", "churn"), 5),
        (("promote", "fraud", "2.0.0", "--to", "production", "--yes", "--confirm", "fraud"), 5),
        (("promote", "fraud", "9.9.9", "--to", "production", "--yes", "--confirm", "fraud"), 2),
        (("promote", "fraud", "2.1.0", "--to", "production", "--read-only", "--yes", "--confirm", "fraud"), 5),
        (("rollback", "fraud", "--environment", "production", "--yes", "--confirm", "fraud"), 2),
        (("rollback", "fraud", "--environment", "production", "--reason", " ", "--yes", "--confirm", "fraud"), 2),
        (("show", "nothing"), 2),
        (("live", "fraud", "--at", "yesterday"), 2),
        (("delete", "fraud", "2.0.0", "--yes", "--confirm", "fraud"), 5),
    ],
)
def test_what_is_refused_ends_with_its_status_and_changes_nothing(
    shell: Shell, arguments: tuple[str, ...], status: int
) -> None:
    ended = shell("models", *arguments)
    assert (ended.status, ended.out) == (status, "")
    assert "Traceback" not in ended.err
    assert ended.err.strip()
    assert shell.live("production") == "2.0.0"
    assert shell.items("journal", "list") == []


def test_cards_are_printed_and_replaced(shell: Shell, tmp_path: Any) -> None:
    card = tmp_path / "card.md"
    card.write_text("# Fraud\n\nFor card payments in Europe.\n")
    assert shell("models", "card", "fraud", "2.1.0", "--file", str(card), "--yes").status == 0
    assert shell("models", "card", "fraud", "2.1.0").out == card.read_text()


def test_a_version_is_made_from_a_run_and_deleted_again(shell: Shell, company: Company) -> None:
    url = "/projects/101/ml/mlflow/api/2.0/mlflow"
    experiment = (
        client(company.server).post(f"{url}/experiments/create", json={"name": "spare"}).json()["experiment_id"]
    )
    run = client(company.server).post(f"{url}/runs/create", json={"experiment_id": experiment}).json()["run"]
    run_id = run["info"]["run_id"]
    assert shell("models", "create-version", "fraud", "--run", run_id, "--number", "3.0.0-rc.1", "--yes").status == 0
    (model,) = shell.items("models", "show", "fraud")
    assert model["versions"][-1]["version"] == model["latest_version"] == "3.0.0-rc.1"
    assert model["versions"][-1]["run_id"] == run_id
    assert shell("models", "delete", "fraud", "3.0.0-rc.1", "--yes", "--confirm", "fraud").status == 0
    assert shell.items("models", "show", "fraud")[0]["latest_version"] == "2.1.0"


def test_environments_say_what_is_live(shell: Shell) -> None:
    rows = {(row["project"], row["name"]): row for row in shell.items("environments", "list")}
    assert rows["acme/fraud", "production"]["tier"] == "production"
    assert [(item["model"], item["version"]) for item in rows["acme/fraud", "production"]["live"]] == [
        ("fraud", "2.0.0")
    ]
