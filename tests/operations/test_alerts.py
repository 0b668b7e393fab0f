"""Alerts over real traffic in a store and a real GitLab over HTTP: judged, told, taken on, silenced, closed."""

from __future__ import annotations

import json
import stat
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from mlops_tui.domain.actions import Outcome
from mlops_tui.domain.alert_channels import AlertChannels
from mlops_tui.domain.alerts import AlertState
from mlops_tui.domain.errors import ReadOnlyError, RefusedError, UsageError
from mlops_tui.operations.actions import Sender, run
from mlops_tui.operations.alert_handling import prepare_acknowledgement, prepare_silence
from mlops_tui.operations.alert_watch import AlertWatch, WatchOptions
from mlops_tui.operations.alerts import AlertBoard, evaluate
from mlops_tui.operations.escalation import Escalated, escalate, planned, prepare_escalation
from mlops_tui.operations.reconciliation import reconcile
from mlops_tui.operations.session import Session
from mlops_tui.storage.journal_entries import intent_draft
from tests.operations.alerting import (
    ERRORS,
    Traffic,
    alert_issues,
    company,
    empty_data,
    integration,
    judged,
    notes,
    write_policy,
)
from tests.operations.company import Company

__all__ = ["company", "empty_data"]


@pytest.fixture
async def session(company: Company) -> AsyncIterator[Session]:
    write_policy(company, ERRORS, more="      escalation: {remind: 10m}\n")
    async with company.session() as opened:
        yield opened


@pytest.fixture
async def traffic(session: Session) -> AsyncIterator[Traffic]:
    made = Traffic(session)
    yield made
    await made.close()


async def told(session: Session, board: AlertBoard) -> list[Escalated]:
    return [item async for item in escalate(session, board.alerts)]


async def test_an_alert_waits_fires_stays_in_the_band_and_resolves(traffic: Traffic) -> None:
    assert (await judged(traffic, 0.0, 0.01)).status.state is AlertState.OK
    assert (await judged(traffic, 0.2)).status.state is AlertState.PENDING
    fired = await judged(traffic, 0.3)
    assert (fired.status.state, fired.status.value, fired.status.n) == (AlertState.FIRING, 0.3, 100)
    assert fired.subject.environment == "production"
    assert fired.is_production
    assert (await judged(traffic, 0.07)).status.state is AlertState.FIRING
    assert (await judged(traffic, 0.02)).status.state is AlertState.RESOLVED


async def test_too_few_requests_say_nothing_and_none_say_that(traffic: Traffic) -> None:
    few = await judged(traffic, 0.5, requests=10)
    assert (few.status.state, few.reason) == (AlertState.INSUFFICIENT, "10 of 30 rows")
    none = await judged(traffic, None)
    assert (none.status.state, none.reason) == (AlertState.INSUFFICIENT, "no request")


async def test_no_traffic_is_a_value_once_the_model_was_seen(company: Company, traffic: Traffic) -> None:
    write_policy(company, "{name: silence, metric: traffic, below: 1}")
    assert (await judged(traffic, None)).status.state is AlertState.INSUFFICIENT
    assert (await judged(traffic, 0.0)).status.value == 100
    assert (await judged(traffic, None)).status.state is AlertState.FIRING


async def test_two_processes_count_a_window_once(company: Company, session: Session, traffic: Traffic) -> None:
    await traffic.minutes(0.2)
    async with company.session() as other:
        await traffic.judge()
        for reader in (session, other, session):
            (alert,) = (await evaluate(reader)).data.alerts
            assert (alert.status.state, alert.status.held) == (AlertState.PENDING, timedelta(minutes=1))


async def test_without_traces_every_alert_says_why(session: Session) -> None:
    (alert,) = (await evaluate(session)).data.alerts
    assert alert.status.state is AlertState.INSUFFICIENT
    assert "There are no traces" in alert.reason


async def test_an_issue_is_opened_once_told_again_and_closed(
    company: Company, session: Session, traffic: Traffic
) -> None:
    await traffic.minutes(0.2, 0.2)
    board = await traffic.judge()
    (first,) = await told(session, board)
    assert first.receipt is not None
    assert first.receipt.outcome is Outcome.DONE
    async with company.session("developer") as other:
        await Traffic(other).close()
        assert await told(session, (await evaluate(session)).data) == []
    (issue,) = alert_issues(company)
    assert issue["title"] == "Alert: errors: fraud in production"
    assert "above 0.1 for 2m" in issue["description"]
    traffic.at += timedelta(minutes=10)
    await traffic.minutes(0.2)
    (again,) = await told(session, await traffic.judge())
    assert again.step.value == "remind"
    await traffic.minutes(0.0)
    (over,) = await told(session, await traffic.judge())
    assert over.step.value == "close"
    (issue,) = alert_issues(company)
    assert issue["state"] == "closed"
    assert [text.split("**")[1] for text in notes(company, issue["iid"])] == ["still firing", "resolved"]
    assert await told(session, await traffic.judge()) == []


async def test_too_little_data_closes_nothing(company: Company, session: Session, traffic: Traffic) -> None:
    await traffic.minutes(0.2, 0.2)
    await told(session, await traffic.judge())
    await traffic.minutes(None, None, None)
    assert await told(session, await traffic.judge()) == []
    assert len(alert_issues(company, "opened")) == 1


async def test_a_console_that_knows_nothing_takes_the_open_issues_word(
    company: Company, session: Session, traffic: Traffic
) -> None:
    await traffic.minutes(0.2, 0.2)
    await told(session, await traffic.judge())
    async with company.session("developer") as fresh:
        seen = Traffic(fresh)
        seen.at = traffic.at
        await seen.minutes(0.07, 0.07)
        board = await seen.judge()
        assert board.alerts[0].status.is_firing
        assert await planned(fresh, board.alerts) == ()
        await seen.minutes(0.0)
        (item,) = await told(fresh, await seen.judge())
        await seen.close()
    assert item.step.value == "close"
    assert [issue["state"] for issue in alert_issues(company)] == ["closed"]


async def test_of_two_who_open_an_issue_at_once_one_closes_their_own(
    company: Company, session: Session, traffic: Traffic
) -> None:
    await traffic.minutes(0.2, 0.2)
    board = await traffic.judge()
    (plan,) = await planned(session, board.alerts)
    mine = await prepare_escalation(session, *plan)
    await told(session, board)
    with pytest.raises(RefusedError, match="open issue changed since the preview"):
        await run(session, mine, "")
    assert len(alert_issues(company)) == 1
    late = await mine.perform(Sender(session, session.clock.now()))
    assert late.message == "Issue 1 was there already"
    assert [issue["state"] for issue in alert_issues(company)] == ["opened", "closed"]


async def test_a_rules_name_commands_nobody_and_mentions_nobody(company: Company, session: Session) -> None:
    write_policy(company, '{name: "@mona ``` /close", metric: error_rate, above: 0.1}')
    traffic = Traffic(session)
    await traffic.minutes(0.5)
    await told(session, await traffic.judge())
    await traffic.close()
    (issue,) = alert_issues(company)
    assert issue["state"] == "opened"
    assert "@" not in issue["title"]
    assert "````text" in issue["description"]


async def test_the_endpoint_hears_of_it_with_its_own_key(company: Company, traffic: Traffic, tmp_path: Path) -> None:
    shown = integration(company)
    ways = f"{{issue: false, integration: {{name: {shown['name']}, id: '{shown['endpoint_identifier']}'}}}}"
    write_policy(company, ERRORS, more=f"      escalation: {ways}\n")
    key = tmp_path / "key"
    key.write_text(shown["token"])
    key.chmod(stat.S_IRUSR | stat.S_IWUSR)
    async with company.session(alerts=AlertChannels(key_file=key)) as session:
        await traffic.minutes(0.2, 0.2)
        await told(session, await traffic.judge())
        assert await told(session, await traffic.judge()) == []
        (alert,) = integration(company)["alerts"]
        assert (alert["status"], alert["severity"]) == ("triggered", "high")
        await traffic.minutes(0.0)
        await told(session, await traffic.judge())
    (alert,) = integration(company)["alerts"]
    assert (alert["status"], alert["events"]) == ("resolved", 1)
    assert alert_issues(company) == []


async def test_a_wrong_key_does_not_lose_the_issue(company: Company, traffic: Traffic, tmp_path: Path) -> None:
    shown = integration(company)
    way = f"{{integration: {{name: {shown['name']}, id: '{shown['endpoint_identifier']}'}}}}"
    write_policy(company, ERRORS, more=f"      escalation: {way}\n")
    async with company.session(alerts=AlertChannels(key_file=tmp_path / "none")) as session:
        await traffic.minutes(0.2, 0.2)
        (item,) = await told(session, await traffic.judge())
    assert item.receipt is not None
    assert "the endpoint did not take it" in item.receipt.message
    assert len(alert_issues(company)) == 1


async def test_a_program_reads_what_happened_on_its_standard_input(
    company: Company, traffic: Traffic, tmp_path: Path
) -> None:
    heard = tmp_path / "heard.jsonl"
    command = ("sh", "-c", f"cat >> {heard}; echo >> {heard}")
    async with company.session(alerts=AlertChannels(command=command)) as session:
        await traffic.minutes(0.2, 0.2)
        await told(session, await traffic.judge())
        await traffic.minutes(0.0)
        await told(session, await traffic.judge())
    events = [json.loads(line) for line in heard.read_text().splitlines()]
    assert [event["event"] for event in events] == ["firing", "resolved"]
    assert (events[0]["value"], events[0]["rule"], events[0]["model"]) == (0.2, "errors", "fraud")


async def test_whoever_takes_it_on_is_known_to_every_console(
    company: Company, session: Session, traffic: Traffic
) -> None:
    await traffic.minutes(0.2, 0.2)
    await told(session, await traffic.judge())
    (alert,) = (await evaluate(session)).data.alerts
    await run(session, await prepare_acknowledgement(session, alert, "/close\n@everybody look"), "")
    (issue,) = alert_issues(company, "opened")
    (note,) = notes(company, issue["iid"])
    assert "acknowledged" in note
    async with company.session("developer") as other:
        (seen,) = (await evaluate(other)).data.alerts
        assert seen.acknowledgement is not None
        assert seen.acknowledgement.by == session.username
        with pytest.raises(RefusedError, match="taken on already"):
            await prepare_acknowledgement(other, seen)
    traffic.at += timedelta(minutes=10)
    await traffic.minutes(0.2)
    assert await told(session, await traffic.judge()) == []


async def test_a_silenced_alert_is_told_to_nobody_until_the_silence_ends(
    company: Company, session: Session, traffic: Traffic
) -> None:
    alert = await judged(traffic, 0.2, 0.2)
    action = await prepare_silence(session, alert, timedelta(minutes=30), "known")
    assert action.preview.calls == ()
    await run(session, action, "")
    board = await traffic.judge()
    assert board.alerts[0].status.is_firing
    assert not board.alerts[0].counts(session.clock.now())
    assert await told(session, board) == []
    traffic.at += timedelta(minutes=30)
    await traffic.minutes(0.2)
    assert len(await told(session, await traffic.judge())) == 1
    with pytest.raises(UsageError, match="too long"):
        await prepare_silence(session, alert, timedelta(days=31))


async def test_a_read_only_context_tells_nobody(company: Company, traffic: Traffic) -> None:
    async with company.session(is_read_only=True) as session:
        await traffic.minutes(0.2, 0.2)
        board = await traffic.judge()
        (item,) = await told(session, board)
        assert item.receipt is None
        with pytest.raises(ReadOnlyError):
            await prepare_acknowledgement(session, board.alerts[0])
    assert alert_issues(company) == []


async def test_an_interrupted_escalation_is_found_again_by_its_intent(
    company: Company, session: Session, traffic: Traffic
) -> None:
    await traffic.minutes(0.2, 0.2)
    (plan,) = await planned(session, (await traffic.judge()).alerts)
    action = await prepare_escalation(session, *plan)
    await session.journal.append(intent_draft(action.preview.intent, action.preview.calls))
    await session.transport.send(action.preview.calls[0])
    (receipt,) = await reconcile(session)
    assert (receipt.outcome, len(receipt.links)) == (Outcome.DONE, 1)


async def test_a_watch_tells_of_changes_only_and_escalates(session: Session, traffic: Traffic) -> None:
    await traffic.minutes(0.2, 0.2)
    await traffic.judge()
    rounds = AlertWatch(session, WatchOptions(interval=1)).rounds()
    first = await anext(rounds)
    assert [item.status.state for item in first.changed] == [AlertState.FIRING]
    assert len(first.told) == 1
    second = await anext(rounds)
    assert (second.changed, second.told) == ((), ())


async def test_an_alert_is_named_by_its_rule_or_the_beginning_of_its_id(session: Session) -> None:
    board = (await evaluate(session)).data
    alert = board.find("errors")
    assert board.find(alert.id[:6]) == alert
    with pytest.raises(UsageError, match="There is no alert nonsense"):
        board.find("nonsense")
