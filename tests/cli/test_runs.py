"""Training runs from the command line, against a sandbox that answers over HTTP."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Ended, Program
from tests.cli.schemas import judge
from tests.operations.training import (
    AUC,
    MODEL_CARD,
    PROJECT,
    WEIGHTS,
    Training,
    moment,
    old_training,
    sha256,
    training,
)
from tests.sandbox.tracking import Tracking

__all__ = ["old_training", "training"]


class Shell:
    """The program with the sandbox's address and a person's token."""

    def __init__(self, program: Program, training: Training, folder: Path, role: str = "maintainer") -> None:
        self._program = program
        token = folder / f"token-{role}"
        token.write_text(training.server.tokens[role])
        token.chmod(0o600)
        self.target = ("--url", training.server.url, "--project", PROJECT, "--token-file", str(token))
        self.runs = training.runs

    def __call__(self, *arguments: str) -> Ended:
        return self._program("runs", *arguments, *self.target)

    def items(self, *arguments: str) -> list[dict[str, Any]]:
        ended = self(*arguments, "--output", "json")
        assert ended.status == 0, ended.err
        judge(ended.document)
        items: list[dict[str, Any]] = ended.document["items"]
        return items

    def names(self, *arguments: str) -> list[str]:
        return [item["name"] for item in self.items("list", *arguments)]


@pytest.fixture
def shell(program: Program, training: Training, tmp_path: Path) -> Shell:
    return Shell(program, training, tmp_path)


def test_the_list_holds_what_was_logged_to_the_digit(shell: Shell) -> None:
    run = next(item for item in shell.items("list") if item["name"] == "xgb-large")
    assert run == {
        "run_id": shell.runs["xgb-large"],
        "name": "xgb-large",
        "experiment": "fraud-xgb",
        "project": PROJECT,
        "status": "FINISHED",
        "started_at": "2026-03-01T10:00:00.000Z",
        "ended_at": "2026-03-01T10:20:00.000Z",
        "metrics": {"auc": 0.9275, "loss": 0.28125},
        "params": {"depth": "9", "lr": "0.01", "seed": "7"},
        "tags": {"gitlab.CI_JOB_ID": run["tags"]["gitlab.CI_JOB_ID"], "team": "risk"},
    }


def test_those_that_began_last_come_first_whatever_their_experiment(shell: Shell) -> None:
    assert shell.names() == ["xgb-now", "xgb-broken", "xgb-deep", "xgb-large", "xgb-small", "logit"]
    assert shell.names("--limit", "2") == ["xgb-now", "xgb-broken"]
    assert shell.names("--experiment", "churn") == ["logit"]


def test_a_filter_is_asked_of_every_run(shell: Shell) -> None:
    assert shell.names("--filter", 'metrics.auc > 0.9 and params.lr = "0.01" and tags.team ~ "ri"') == ["xgb-large"]
    assert shell.names("--filter", "metrics.auc > 0.9 and not status = running") == ["xgb-deep", "xgb-large"]


@pytest.mark.parametrize(
    ("key", "names"),
    [
        (("metrics.auc",), ["xgb-now", "xgb-small", "xgb-deep", "xgb-large", "xgb-broken", "logit"]),
        (("-metrics.auc",), ["xgb-large", "xgb-deep", "xgb-small", "xgb-now", "xgb-broken", "logit"]),
        (("metrics.auc", "--desc"), ["xgb-large", "xgb-deep", "xgb-small", "xgb-now", "xgb-broken", "logit"]),
        (("params.depth",), ["xgb-broken", "xgb-small", "xgb-now", "xgb-large", "xgb-deep", "logit"]),
    ],
)
def test_a_key_sorts_and_runs_without_it_come_last_in_both_directions(
    shell: Shell, key: tuple[str, ...], names: list[str]
) -> None:
    assert shell.names("--sort", *key) == names


def test_a_bad_filter_names_the_column_and_nothing_is_asked(shell: Shell) -> None:
    ended = shell("list", "--filter", "metrics.auc >> 3")
    assert (ended.status, ended.out) == (2, "")
    assert "column 14" in ended.err


@pytest.mark.parametrize("arguments", [("--sort", "auc"), ("--experiment", "nope"), ("--watch", "--output", "json")])
def test_what_cannot_be_meant_is_a_mistake_of_use(shell: Shell, arguments: tuple[str, ...]) -> None:
    ended = shell("list", *arguments)
    assert (ended.status, ended.out) == (2, "")


def test_a_name_that_no_run_has_is_told_but_is_no_error(shell: Shell) -> None:
    ended = shell("list", "--filter", "metrics.acu > 0.9", "--output", "json")
    assert (ended.status, ended.document["items"]) == (0, [])
    assert "No run has metrics.acu" in ended.err


def test_the_table_shows_the_metrics_that_most_runs_logged(shell: Shell) -> None:
    lines = shell("list", "--experiment", "fraud-xgb").out.splitlines()
    assert lines[0].split() == ["RUN", "NAME", "EXPERIMENT", "STATUS", "STARTED", "LOSS", "AUC", "DEPTH", "LR"]
    assert lines[4].split()[1:] == [
        "xgb-large", "fraud-xgb", "finished", "2026-03-01", "10:00", "0.28125", "0.9275", "9", "0.01",
    ]  # fmt: skip


def test_a_run_is_shown_with_its_job_commit_and_files(shell: Shell, training: Training) -> None:
    (run,) = shell.items("show", shell.runs["xgb-large"])
    assert (run["job"]["id"], run["job"]["status"], run["commit"]["sha"]) == (training.job_id, "success", training.sha)
    assert run["artifacts"][0] == {"path": "card.md", "size": len(MODEL_CARD), "sha256": sha256(MODEL_CARD)}
    assert run["url"].endswith(f"/{PROJECT}/-/ml/candidates/{run['iid']}")
    assert run["missing"] == []


def test_a_run_says_what_belongs_to_it_and_is_missing(shell: Shell) -> None:
    ended = shell("show", shell.runs["xgb-small"])
    assert "No CI job is linked: the run carries no tag gitlab.CI_JOB_ID" in ended.out
    assert "No commit is known" in ended.out


def test_an_unknown_run_is_told_with_where_to_look(shell: Shell) -> None:
    ended = shell("show", "00000000-0000-0000-0000-000000000000")
    assert (ended.status, ended.out) == (2, "")
    assert "mlops-tui runs list" in ended.err


def test_a_history_has_every_value_with_its_time(shell: Shell) -> None:
    points = shell.items("history", shell.runs["xgb-large"], "auc")
    assert [point["value"] for point in points] == list(AUC)
    assert points[3] == {"step": 3, "value": 0.85, "timestamp": "2026-03-01T10:03:00.000Z"}


def test_a_metric_that_was_never_logged_is_told_with_those_that_were(shell: Shell) -> None:
    ended = shell("history", shell.runs["xgb-large"], "recall")
    assert ended.status == 2
    assert "auc, loss" in ended.err


def test_an_older_gitlab_tells_the_history_without_times(
    program: Program, old_training: Training, tmp_path: Path
) -> None:
    shell = Shell(program, old_training, tmp_path)
    points = shell.items("history", shell.runs["xgb-large"], "auc")
    assert [point["value"] for point in points] == list(AUC)
    assert {point["timestamp"] for point in points} == {None}


def test_runs_are_compared_with_the_first_unless_another_is_named(shell: Shell) -> None:
    large, small = shell.runs["xgb-large"], shell.runs["xgb-small"]
    rows = {(row["kind"], row["name"]): row for row in shell.items("compare", large, small)}
    assert ("param", "seed") not in rows
    assert [cell["value"] for cell in rows["param", "lr"]["values"]] == ["0.01", "0.1"]
    assert rows["metric", "auc"]["values"][1]["judgement"] == "worse"
    assert rows["metric", "loss"]["values"][1]["absolute"] == pytest.approx(0.07875)
    turned = {row["name"]: row for row in shell.items("compare", large, small, "--baseline", small)}
    assert [cell["judgement"] for cell in turned["auc"]["values"]] == ["better", "baseline"]


def test_a_comparison_reads_as_a_table_and_says_what_it_leaves_out(shell: Shell) -> None:
    ended = shell("compare", shell.runs["xgb-large"], shell.runs["xgb-small"])
    assert "0.85 (-0.0775 -8.36%) worse" in ended.out
    assert "1 of the parameters" in ended.err


def test_one_run_alone_cannot_be_compared(shell: Shell) -> None:
    assert shell("compare", shell.runs["xgb-large"]).status == 2
    assert shell("compare", shell.runs["xgb-large"], shell.runs["xgb-now"], "--baseline", "x").status == 2


def test_files_are_listed_with_their_checksums(shell: Shell) -> None:
    files = {item["path"]: item["sha256"] for item in shell.items("artifacts", shell.runs["xgb-large"])}
    assert files == {
        "card.md": sha256(MODEL_CARD),
        "data/log.txt": sha256(b"ok"),
        "model/weights.bin": sha256(WEIGHTS),
    }
    assert shell.items("artifacts", shell.runs["xgb-small"]) == []


def test_files_are_downloaded_checked_and_never_overwritten(shell: Shell, tmp_path: Path) -> None:
    run, folder = shell.runs["xgb-large"], tmp_path / "files"
    saved = shell.items("artifacts", run, "--all", "--to", str(folder))
    assert [item["is_verified"] for item in saved] == [True] * 3
    assert (folder / "model" / "weights.bin").read_bytes() == WEIGHTS
    (folder / "card.md").write_text("mine")
    again = shell("artifacts", run, "--download", "data/log.txt", "--download", "card.md", "--to", str(folder))
    assert (again.status, again.out) == (5, "")
    assert (folder / "card.md").read_text() == "mine"
    forced = shell("artifacts", run, "--download", "card.md", "--to", str(folder), "--force")
    assert (forced.status, forced.err) == (0, "")
    assert (folder / "card.md").read_bytes() == MODEL_CARD
    assert sorted(path.name for path in folder.iterdir()) == ["card.md", "data", "model"]


def test_a_file_that_is_not_there_is_told_with_those_that_are(shell: Shell, tmp_path: Path) -> None:
    ended = shell("artifacts", shell.runs["xgb-large"], "--download", "nope", "--to", str(tmp_path))
    assert ended.status == 2
    assert "card.md" in ended.err


def test_lines_of_json_hold_the_items_alone(shell: Shell) -> None:
    lines = shell("list", "--output", "ndjson").out.splitlines()
    assert [json.loads(line)["name"] for line in lines][:2] == ["xgb-now", "xgb-broken"]
    assert len(lines) == 6


def test_a_reporter_sees_the_runs_without_their_times(program: Program, training: Training, tmp_path: Path) -> None:
    shell = Shell(program, training, tmp_path, "reporter")
    runs = {item["name"]: item for item in shell.items("list")}
    assert runs["xgb-large"]["metrics"] == {"auc": 0.9275, "loss": 0.28125}
    assert (runs["xgb-large"]["started_at"], runs["xgb-now"]["status"]) == (None, "RUNNING")
    assert len(shell.items("history", shell.runs["xgb-large"], "auc")) == len(AUC)
    assert len(shell.items("artifacts", shell.runs["xgb-large"])) == 3


@pytest.mark.serial
def test_watching_writes_every_run_once_and_then_what_changes(
    shell: Shell, training: Training, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = tmp_path / "config.toml"
    settings.write_text(
        f'[contexts.here]\nurl = "{training.server.url}"\nprojects = ["{PROJECT}"]\npoll_interval = 1\n'
    )
    settings.chmod(0o600)
    monkeypatch.setenv("MLOPS_TUI_CONFIG", str(settings))
    http = Tracking(training.server)
    experiment = http.post("experiments/create", name="watched").json()["experiment_id"]
    run = http.run(experiment, run_name="seen", start_time=moment(1))
    command = [sys.executable, "-m", "mlops_tui", "runs", "list", "--experiment", "watched", "--watch"]
    with subprocess.Popen([*command, *shell.target[-2:]], stdout=subprocess.PIPE, text=True) as watching:
        assert watching.stdout is not None
        try:
            assert json.loads(watching.stdout.readline())["status"] == "RUNNING"
            http.post("runs/update", run_id=run["run_id"], status="FINISHED", end_time=moment(0))
            assert json.loads(watching.stdout.readline())["status"] == "FINISHED"
        finally:
            watching.terminate()
            http.post("experiments/delete", experiment_id=experiment)
