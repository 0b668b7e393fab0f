"""Training again, on the demo company over HTTP: due or not, previewed, begun once, and what came of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from mlops_tui.domain.actions import Outcome
from mlops_tui.domain.errors import RefusedError
from mlops_tui.domain.retraining import Objection
from mlops_tui.operations.actions import run
from mlops_tui.operations.following import follow
from mlops_tui.operations.reconciliation import reconcile
from mlops_tui.operations.retrain_cases import decide_all
from mlops_tui.operations.retraining import prepare_retraining, retrain_automatically
from mlops_tui.operations.session import Session
from mlops_tui.operations.training_results import training_result
from mlops_tui.storage.journal_entries import intent_draft
from tests.operations.alerting import ERRORS, Traffic, write_policy
from tests.operations.approving import FRAUD, raw
from tests.operations.company import Company

RETRAIN = "      retrain: {job: train, triggers: [errors], windows: 2, automatic: true}\n"


@pytest.fixture
async def session(company: Company) -> AsyncIterator[Session]:
    write_policy(company, ERRORS, more=RETRAIN, project=FRAUD)
    async with company.session() as opened:
        yield opened


@pytest.fixture
async def traffic(session: Session) -> AsyncIterator[Traffic]:
    made = Traffic(session)
    yield made
    await made.close()


async def objection(session: Session) -> Objection | None:
    decisions = (await decide_all(session)).data
    return next(item.objection for item in decisions if item.case.model == "fraud")


def pipelines(company: Company) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = raw(company).get(f"{FRAUD}/pipelines", params={"source": "api"}).json()
    return [item for item in found if (item["name"] or "").startswith("Train fraud again")]


async def test_a_training_is_begun_by_itself_once_and_compared_with_what_is_live(
    company: Company, session: Session, traffic: Traffic
) -> None:
    await traffic.minutes(0.0, 0.0)
    await traffic.judge()
    assert await objection(session) is Objection.NO_TRIGGER
    await traffic.minutes(0.2, 0.3)
    await traffic.judge()
    decisions = (await decide_all(session)).data
    (begun,) = [item async for item in retrain_automatically(session, decisions)]
    assert begun.receipt is not None
    assert begun.receipt.outcome is Outcome.DONE
    assert "errors: error_rate 0.3 in 2 windows" in begun.receipt.intent.reason
    assert await objection(session) is Objection.UNDER_WAY
    async for progress in follow(session, begun.receipt):
        assert progress.state.value != "failed"
    result = (await training_result(session, begun.receipt)).data
    assert len(result.runs) == 1
    assert result.live is not None
    assert result.comparison is not None
    assert "better than the live version's" in result.sentence
    assert await objection(session) is Objection.NOT_LIVE_YET
    assert len(pipelines(company)) == 1


async def test_the_evidence_is_kept_with_the_live_version(company: Company, session: Session, traffic: Traffic) -> None:
    await traffic.minutes(0.2, 0.3)
    await traffic.judge()
    project = await company.project(session)
    action = await prepare_retraining(session, project, "fraud", "the new card range")
    storing, starting, naming = action.preview.calls
    assert storing.body is not None
    subject = storing.body["subject"]
    assert isinstance(subject, dict)
    assert (subject["reason"], subject["figure"]) == ("the new card range", "error_rate")
    observations = storing.body["observations"]
    assert isinstance(observations, list)
    windows = observations[0]
    assert isinstance(windows, dict)
    assert [item["value"] for item in windows["value"]] == [0.2, 0.3]
    assert starting.body is not None
    assert starting.body["inputs"] == {"model": "fraud", "intent": action.preview.intent.id}
    assert naming.body == {"name": f"Train fraud again [intent {action.preview.intent.id[:8]}]"}
    await run(session, action, "")
    assert len(pipelines(company)) == 1


async def test_a_person_may_train_without_an_alert_but_not_twice_at_once(company: Company, session: Session) -> None:
    project = await company.project(session)
    action = await prepare_retraining(session, project, "fraud", "because")
    assert "By itself it would not be trained now: no alert that calls for it fires" in action.preview.obstacles
    second = await prepare_retraining(session, project, "fraud", "me too")
    assert (await run(session, action, "")).outcome is Outcome.DONE
    with pytest.raises(RefusedError, match="trainings under way changed"):
        await run(session, second, "")
    with pytest.raises(RefusedError, match="trains it already"):
        await prepare_retraining(session, project, "fraud")


async def test_without_a_policy_it_is_refused_with_what_to_do(company: Company, session: Session) -> None:
    project = await company.project(session)
    with pytest.raises(RefusedError, match=r"monitoring\.retrain"):
        await prepare_retraining(session, project, "nobody")


async def test_an_interrupted_training_is_found_again(company: Company, session: Session) -> None:
    project = await company.project(session)
    action = await prepare_retraining(session, project, "fraud", "because")
    await session.journal.append(intent_draft(action.preview.intent, action.preview.calls))
    starting = next(call for call in action.preview.calls if call.path.endswith("/pipeline"))
    answer = await session.transport.send(starting)
    assert isinstance(answer.body, dict)
    naming = action.preview.calls[-1].filled(pipeline=str(answer.body["id"]))
    await session.transport.send(naming)
    (receipt,) = await reconcile(session)
    assert receipt.outcome is Outcome.DONE
