"""``drift quality`` against a company's registry and a store of this machine."""

from __future__ import annotations

import asyncio

import pytest

from mlops_tui.config.paths import Paths
from mlops_tui.storage.traces import FILE_NAME
from tests.cli.conftest import Ended, Program
from tests.cli.schemas import judge as judge_schema
from tests.operations.company import Company
from tests.operations.conftest import company, demo_data
from tests.operations.labelling import Truths, judge

__all__ = ["company", "demo_data"]
FIRST_MINUTES = "2026-03-02T12:00/2026-03-02T12:03"


class Shell:
    """The program on a store that holds three minutes of ``churn``."""

    def __init__(self, program: Program, company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
        self._program = program
        self._url = company.server.url
        monkeypatch.setenv("GITLAB_HOST", company.server.url)
        monkeypatch.setenv("GITLAB_TOKEN", company.server.tokens["reporter"])

    def __call__(self, *arguments: str) -> Ended:
        return self._program(
            *("--url", self._url, "--project", "acme/churn", "drift", "quality", "--model", "churn", *arguments)
        )


@pytest.fixture
def shell(program: Program, company: Company, monkeypatch: pytest.MonkeyPatch) -> Shell:
    async def fill() -> None:
        async with company.session() as session:
            usual = Truths(errors=0.05)
            await judge(session, {**dict.fromkeys(range(-2, 2), usual), 2: Truths(turned=0.6, worse_in="us")})

    asyncio.run(fill())
    data = Paths.of_user().data
    data.mkdir(parents=True, exist_ok=True)
    (company.folder / "maintainer" / FILE_NAME).rename(data / FILE_NAME)
    return Shell(program, company, monkeypatch)


def test_every_figure_comes_with_its_interval_and_what_it_rests_on(shell: Shell) -> None:
    ended = shell("--window", FIRST_MINUTES, "--by", "country", "--output", "json")
    assert ended.status == 0, ended.err
    judge_schema(ended.document)
    items = ended.document["items"]
    assert {(item["scope"], item["basis"]) for item in items} == {
        *(("whole", "realised"), ("whole", "estimated"), ("window", "realised"), ("window", "estimated")),
        *(("window", "traffic"), ("slice", "realised")),
    }
    realised = [item for item in items if (item["scope"], item["metric"]) == ("window", "accuracy")]
    assert len(realised) == 6
    assert all(item["lower"] <= item["value"] <= item["upper"] for item in realised)
    assert [item["contradicted"] for item in realised if item["basis"] == "estimated"] == [False, False, True]
    assert {item["slice"]: item["n"] for item in items if item["scope"] == "slice"}.keys() == {"de", "fr", "us"}
    assert "in 1 of 3 windows labels contradict the estimate" in ended.err
    assert "leaves is taken as the positive class" in ended.err


def test_people_get_the_whole_then_the_windows_then_the_slices(shell: Shell) -> None:
    ended = shell("--window", FIRST_MINUTES, "--by", "country")
    assert ended.status == 0, ended.err
    figures, windows, slices = ended.out.split("\n\n")
    assert "accuracy" in figures
    assert windows.count("2026-03-02T12:0") == 3
    assert "contradicted" in windows
    assert {line.split()[0] for line in slices.splitlines()[1:]} == {"de", "fr", "us"}


def test_nothing_to_say_is_not_enough_data(shell: Shell) -> None:
    ended = shell("--window", "2026-01-01/2026-01-02")
    assert (ended.status, ended.out) == (3, "")
    assert "No prediction of it was made in that time" in ended.err


def test_what_makes_no_sense_is_a_matter_of_usage(shell: Shell) -> None:
    for arguments, said in (
        (("--window", "soon"), "is no range of time"),
        (("--window", "2026-03-02/2026-03-01"), "is an empty range of time"),
        (("--width", "7s"), "There are no windows of 7s"),
        (("--positive", "maybe"), "the classes are leaves, stays"),
    ):
        ended = shell("--window", FIRST_MINUTES, *arguments)
        assert ended.status == 2
        assert said in ended.err
