from __future__ import annotations

import io
import json
import sys
from datetime import UTC, datetime

import pytest

from mlops_tui.cli.actions import confirmation, exit_status, print_preview, print_receipt
from mlops_tui.cli.options import Format, GlobalOptions
from mlops_tui.domain.actions import (
    ActionKind,
    CallRecord,
    Change,
    Confirmation,
    ConfirmationKind,
    Intent,
    Outcome,
    Preview,
    Receipt,
    Subject,
)
from mlops_tui.domain.api_calls import ApiCall, Method
from mlops_tui.domain.errors import ExitCode, NotConfirmedError
from tests.cli.schemas import judge

URL = "https://gitlab.example.com"
INTENT = Intent(
    "id",
    ActionKind.PROMOTE,
    Subject(URL, "acme/fraud", "fraud", "1.2.0", "production"),
    datetime(2026, 3, 2, tzinfo=UTC),
)


def preview(kind: ConfirmationKind) -> Preview:
    return Preview(
        intent=INTENT,
        title="Promote fraud 1.2.0 to production",
        calls=(ApiCall(Method.POST, "/api/v4/projects/1/pipeline", {"ref": "it's"}, "start the pipeline"),),
        changes=(Change("auc", "0.91", "0.93", is_better=True), Change("live", "1.1.0\x1b[31m", "1.2.0")),
        confirmation=Confirmation(kind, "fraud" if kind is ConfirmationKind.TYPE_NAME else ""),
        is_production=kind is ConfirmationKind.TYPE_NAME,
        obstacles=("Two approvals are missing",),
    )


class Terminal(io.StringIO):
    """Standard input as a person would type it."""

    def isatty(self) -> bool:
        return True


def types(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """Let a person sit at a terminal and type."""
    monkeypatch.setattr(sys, "stdin", Terminal(text))
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)


@pytest.mark.parametrize(
    ("kind", "options", "words"),
    [
        (ConfirmationKind.YES, GlobalOptions(), "Pass --yes"),
        (ConfirmationKind.YES, GlobalOptions(confirm="fraud"), "Pass --yes"),
        (ConfirmationKind.TYPE_NAME, GlobalOptions(yes=True), "--yes --confirm fraud"),
        (ConfirmationKind.TYPE_NAME, GlobalOptions(confirm="fraud"), "--yes --confirm fraud"),
    ],
)
def test_without_a_terminal_nothing_is_taken_for_granted(
    kind: ConfirmationKind, options: GlobalOptions, words: str
) -> None:
    with pytest.raises(NotConfirmedError, match=words) as caught:
        confirmation(preview(kind), options, URL)
    assert caught.value.exit_code is ExitCode.REFUSED


def test_yes_and_the_name_are_enough_without_a_terminal() -> None:
    assert confirmation(preview(ConfirmationKind.YES), GlobalOptions(yes=True), URL) == ""
    options = GlobalOptions(yes=True, confirm="fraud")
    assert confirmation(preview(ConfirmationKind.TYPE_NAME), options, URL) == "fraud"


def test_a_person_sees_the_preview_before_the_question(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    types(monkeypatch, "fraud\n")
    assert confirmation(preview(ConfirmationKind.TYPE_NAME), GlobalOptions(), URL) == "fraud"
    done = capsys.readouterr()
    assert done.out == ""
    assert done.err.index("curl") < done.err.index("Type fraud to go on")
    assert "(PROD)" in done.err
    assert "! Two approvals are missing" in done.err
    assert "\x1b" not in done.err


def test_yes_does_not_answer_for_the_name(monkeypatch: pytest.MonkeyPatch) -> None:
    types(monkeypatch, "frau\n")
    wrong = confirmation(preview(ConfirmationKind.TYPE_NAME), GlobalOptions(yes=True), URL)
    assert not preview(ConfirmationKind.TYPE_NAME).confirmation.accepts(wrong)


@pytest.mark.parametrize("answer", ["\n", "n\n", "", "yes please\n"])
def test_anything_but_yes_is_no(monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    types(monkeypatch, answer)
    with pytest.raises(NotConfirmedError):
        confirmation(preview(ConfirmationKind.YES), GlobalOptions(), URL)


@pytest.mark.parametrize("answer", ["y\n", "YES\n"])
def test_yes_is_yes(monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    types(monkeypatch, answer)
    assert confirmation(preview(ConfirmationKind.YES), GlobalOptions(), URL) == ""


def test_a_dry_run_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    print_preview(preview(ConfirmationKind.TYPE_NAME), Format.JSON, URL)
    document = json.loads(capsys.readouterr().out)
    judge(document)
    item = document["items"][0]
    assert item["calls"][0]["path"] == "/api/v4/projects/1/pipeline"
    assert "$GITLAB_TOKEN" in item["calls"][0]["curl"]
    assert (item["confirm"], item["production"]) == ("fraud", True)


def test_a_receipt_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    call = CallRecord("POST", f"{URL}/api/v4/projects/1/pipeline", None, "")
    print_receipt(Receipt(INTENT, Outcome.UNKNOWN, "No answer", (call,), followed={"pipeline": 611}), Format.JSON)
    document = json.loads(capsys.readouterr().out)
    judge(document)
    assert document["items"][0]["calls"] == [{"method": "POST", "url": call.url, "status": None, "request_id": ""}]


@pytest.mark.parametrize(
    ("outcome", "status"), [(Outcome.DONE, 0), (Outcome.FAILED, 4), (Outcome.UNKNOWN, 4), (Outcome.REFUSED, 5)]
)
def test_the_outcome_decides_the_exit_status(outcome: Outcome, status: int) -> None:
    assert exit_status(Receipt(INTENT, outcome, "so it ended", ())) == status


@pytest.mark.parametrize(("answer", "status"), [(403, 5), (400, 4), (500, 4), (None, 4)])
def test_want_of_rights_is_a_refusal(answer: int | None, status: int) -> None:
    call = CallRecord("POST", f"{URL}/api/v4/projects/1/pipeline", answer, "R1")
    assert exit_status(Receipt(INTENT, Outcome.FAILED, "so it ended", (call,))) == status
