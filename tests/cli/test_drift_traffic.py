"""The commands of ``drift`` on requests: a profile is stored, traffic is compared, and past rules are tried out."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from mlops_tui.config.paths import Paths
from mlops_tui.storage.traces import FILE_NAME
from tests.cli.conftest import Ended, Program
from tests.cli.schemas import judge
from tests.operations.company import Company
from tests.operations.conftest import company, demo_data
from tests.operations.serving import Customers, serve, training_table

__all__ = ["company", "demo_data"]
WINDOW = ("--window", "2026-03-02T12:00/2026-03-02T12:06")
VERSION = ("--model", "churn", "--version", "1.1.0")
FEATURES = ("--features", "amount,country,score:score")


class Shell:
    """The program on a store that holds six minutes of ``churn``, of which the last two are another market."""

    def __init__(self, program: Program, company: Company, folder: Path) -> None:
        self._program = program
        self._url = company.server.url
        self.folder = folder

    def __call__(self, *arguments: str) -> Ended:
        return self._program("--url", self._url, "--project", "acme/churn", "drift", *arguments)

    def store(self) -> Ended:
        """Store the profile of what the model was trained on."""
        return self("profile", "--input", str(self.folder / "train.csv"), *FEATURES, *VERSION, "--store", "--yes")


@pytest.fixture
def shell(program: Program, company: Company, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    async def fill() -> None:
        async with company.session() as session:
            abroad = Customers(shift=0.8, new=0.08)
            await serve(session, {**dict.fromkeys(range(4), Customers()), 4: abroad, 5: abroad}, rows=400)

    asyncio.run(fill())
    data = Paths.of_user().data
    data.mkdir(parents=True, exist_ok=True)
    (company.folder / "maintainer" / FILE_NAME).rename(data / FILE_NAME)
    training_table(tmp_path / "train.csv")
    monkeypatch.setenv("GITLAB_HOST", company.server.url)
    monkeypatch.setenv("GITLAB_TOKEN", company.server.tokens["maintainer"])
    monkeypatch.delenv("CI_NODE_INDEX", raising=False)
    monkeypatch.delenv("CI_NODE_TOTAL", raising=False)
    return Shell(program, company, tmp_path)


def test_a_profile_is_previewed_stored_and_then_known(shell: Shell) -> None:
    nothing = shell("analyze", *VERSION, *WINDOW)
    assert (nothing.status, nothing.out) == (3, "")
    assert "no reference profile is stored with churn 1.1.0" in nothing.err
    refused = shell("profile", "--input", str(shell.folder / "train.csv"), *FEATURES, *VERSION, "--store")
    assert (refused.status, refused.out) == (5, "")
    stored = shell.store()
    assert stored.status == 0, stored.err
    assert "is stored with churn 1.1.0" in stored.out
    again = shell.store()
    assert (again.status, "stored with churn 1.1.0 already" in again.err) == (0, True)


def test_requests_are_compared_and_the_report_is_kept_once(shell: Shell) -> None:
    shell.store()
    ended = shell("analyze", *VERSION, *WINDOW, "--store", "--yes", "--output", "json")
    assert ended.status == 1, ended.err
    judge(ended.document)
    verdicts = {item["feature"]: item["verdict"] for item in ended.document["items"] if item["decides"]}
    assert verdicts == {"amount": "drift", "country": "drift", "score": "ok"}
    assert "The drift report is stored with churn 1.1.0" in ended.err
    again = shell("analyze", *VERSION, *WINDOW, "--store", "--yes", "--output", "markdown")
    assert again.status == 1
    assert "nothing was changed" in again.err
    assert "from 2026-03-02T12:00:00.000Z to 2026-03-02T12:06:00.000Z" in again.out
    assert "run every 6m, that is" in again.out
    quiet = shell("analyze", *VERSION, "--window", "2026-03-02T12:00/2026-03-02T12:04")
    assert quiet.status == 0, quiet.err


def test_parallel_jobs_make_the_report_of_one(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    shell.store()
    whole = shell("analyze", *VERSION, *WINDOW, "--output", "json")
    for shared in ("features", "windows"):
        parts = []
        for index in ("1", "2", "3"):
            monkeypatch.setenv("CI_NODE_INDEX", index)
            monkeypatch.setenv("CI_NODE_TOTAL", "3")
            parts.append(str(shell.folder / f"{shared}-{index}.part"))
            counted = shell("analyze", *VERSION, *WINDOW, "--part", parts[-1], "--share-out", shared)
            assert (counted.status, counted.out) == (0, ""), counted.err
        merged = shell("merge", *parts, "--output", "json")
        assert merged.status == whole.status
        assert merged.document["items"] == whole.document["items"]
        lacking = shell("merge", *parts[1:])
        assert (lacking.status, "of 3 parts 1 are missing" in lacking.err) == (2, True)
    monkeypatch.setenv("CI_NODE_INDEX", "4")
    assert shell("analyze", *VERSION, *WINDOW, "--part", parts[0]).status == 2


def test_drift_is_shown_as_it_is_now_with_its_windows(shell: Shell) -> None:
    shell.store()
    ended = shell("show", "--model", "churn", *WINDOW, "--output", "json")
    assert ended.status == 0, ended.err
    judge(ended.document)
    items = ended.document["items"]
    assert [item["verdict"] for item in items] == ["drift", "drift", "ok"]
    amount = next(item for item in items if item["feature"] == "amount")
    assert [window["verdict"] for window in amount["windows"]] == ["ok"] * 4 + ["drift"] * 2
    assert (amount["n_current"], amount["end"]) == (800, "2026-03-02T12:06:00.000Z")
    assert "means at most 5 a month on average" in ended.err
    country = next(item for item in items if item["feature"] == "country")
    assert country["severity"] > 1
    assert "new categories grew from 0 %" in country["reason"]
    people = shell("show", "--model", "churn", *WINDOW)
    assert "▁▁▁▁██" in people.out


def test_rules_are_tried_on_the_past_before_they_are_switched_on(shell: Shell) -> None:
    shell.store()
    rule = ("--metric", "psi.amount", "--above", "0.2", "--for", "2m")
    ended = shell("backtest", "--model", "churn", *WINDOW, *rule, "--output", "json")
    assert ended.status == 0, ended.err
    judge(ended.document)
    by_name = {item["name"]: item for item in ended.document["items"]}
    assert set(by_name) == {"any feature", "amount", "country", "score", "psi.amount above 0.2"}
    tried = by_name["psi.amount above 0.2"]
    assert (tried["alarms"], tried["alarmed_at"]) == (1, ["2026-03-02T12:06:00.000Z"])
    assert tried["by_chance"] < 1e-6
    assert (by_name["amount"]["alarms"], by_name["score"]["alarms"]) == (1, 0)
    assert by_name["any feature"]["by_chance"] == pytest.approx(6 * 5 / (30 * 24 * 60))
    loose = shell("backtest", "--model", "churn", *WINDOW, "--metric", "psi.amount", "--above", "0.01", "-o", "json")
    assert next(item for item in loose.document["items"] if item["kind"] == "rule")["by_chance"] > 1
    assert shell("backtest", "--model", "churn", *WINDOW, "--rule", "unheard").status == 2
    assert shell("backtest", "--model", "churn", *WINDOW, "--metric", "unheard", "--above", "1").status == 2


def test_a_profile_is_made_of_requests_or_of_what_a_run_kept(shell: Shell, company: Company) -> None:
    out = shell.folder / "traffic.json"
    quiet = ("--window", "2026-03-02T12:00/2026-03-02T12:04")
    made = shell("profile", *VERSION, *quiet, "--out", str(out), "--output", "json")
    assert made.status == 0, made.err
    assert {item["n"] for item in made.document["items"]} == {1_600}
    drifted = shell("analyze", "--reference", str(out), "--model", "churn", *WINDOW)
    assert drifted.status == 1
    assert json.loads(out.read_text())["$schema"] == "mlops-tui/profile/1"
    wrong = shell("profile", "--run", "no-such-run", "--artifact", "train.csv", "--out", str(out))
    assert wrong.status == 2
    assert shell("profile", "--run", "x", "--out", str(out)).status == 2


NONSENSE = (
    ("analyze", "--model", "churn", *WINDOW),
    ("analyze", *VERSION),
    ("analyze", *VERSION, *WINDOW, "--input", "x.csv"),
    ("analyze", *VERSION, *WINDOW, "--compat", "evidently"),
    ("analyze", *VERSION, *WINDOW, "--multivariate"),
    ("analyze", *VERSION, "--window", "yesterday"),
    ("analyze", *VERSION, "--window", "2026-03-02/2026-03-01"),
    ("profile", *VERSION, *WINDOW),
    ("profile", *WINDOW, "--out", "x.json"),
)


@pytest.mark.parametrize("arguments", NONSENSE)
def test_what_makes_no_sense_is_refused_before_anything_is_asked(
    program: Program, arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITLAB_TOKEN", "glpat-" + "x" * 20)
    monkeypatch.setenv("GITLAB_HOST", "http://127.0.0.1:9")
    ended = program("--url", "http://127.0.0.1:9", "--project", "acme/churn", "drift", *arguments)
    assert (ended.status, ended.out) == (2, "")


def test_windows_are_not_cut(shell: Shell) -> None:
    shell.store()
    ended = shell("show", "--model", "churn", "--width", "90s", *WINDOW)
    assert (ended.status, "those of the store are 1m wide" in ended.err) == (2, True)
