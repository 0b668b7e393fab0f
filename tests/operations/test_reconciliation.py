"""Nothing is applied twice and nothing is lost, whatever happens between the journal and GitLab's answer."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator

import pytest

from mlops_tui.domain.actions import Outcome
from mlops_tui.domain.errors import RefusedError
from mlops_tui.domain.journal import EntryKind
from mlops_tui.operations.actions import run
from mlops_tui.operations.following import FollowState, follow
from mlops_tui.operations.promotions import prepare_promotion
from mlops_tui.operations.reconciliation import reconcile
from mlops_tui.operations.rollbacks import prepare_rollback
from mlops_tui.operations.session import Session
from tests.faults.proxy import Drop, FaultProxy, Replace, json_answer, limited, throttled, web_page
from tests.operations.company import Company
from tests.operations.test_promotions import live
from tests.sandbox.factory import client

CREATE = "*/projects/101/pipeline"


@pytest.fixture
def proxy(company: Company) -> Iterator[FaultProxy]:
    with FaultProxy(company.server.url) as running:
        yield running


def let_deployments_fail(company: Company) -> None:
    path = "/projects/101/repository/files/.gitlab-ci.yml"
    text = client(company.server).get(f"{path}/raw", params={"ref": "main"}).text
    broken = text.replace("default: none", "default: health-check")
    body = {"branch": "main", "commit_message": "Let deployments fail", "content": broken}
    assert client(company.server).put(path, json=body).status_code == 200


def pipelines_to_production(company: Company, version: str) -> int:
    rows = client(company.server).get("/projects/101/pipelines", params={"per_page": 100}).json()
    return sum(str(row["name"]).startswith(f"fraud {version} -> production") for row in rows)


async def promote(session: Session, company: Company) -> Outcome:
    action = await prepare_promotion(session, await company.project(session), "fraud", "2.1.0", "production")
    return (await run(session, action, "fraud")).outcome


async def test_an_answer_that_was_lost_is_found_again_and_nothing_is_sent_twice(
    company: Company, proxy: FaultProxy
) -> None:
    async with company.session(url=proxy.url) as session:
        proxy.play(Drop(0), count=1, path=CREATE)
        assert await promote(session, company) is Outcome.UNKNOWN
        with pytest.raises(RefusedError, match="not known"):
            await promote(session, company)
        (receipt,) = await reconcile(session)
        assert receipt.outcome is Outcome.DONE
        assert pipelines_to_production(company, "2.1.0") == 1
        kinds = [entry.kind for entry in session.journal.entries()]
        assert kinds == [EntryKind.INTENT, EntryKind.RECEIPT, EntryKind.RECONCILED]
        assert session.journal.unsettled() == ()


async def test_a_server_fault_that_did_nothing_is_settled_as_not_done(company: Company, proxy: FaultProxy) -> None:
    async with company.session(url=proxy.url) as session:
        proxy.play(json_answer(500, '{"message":"500 Internal Server Error"}'), count=1, path=CREATE)
        assert await promote(session, company) is Outcome.UNKNOWN
        (receipt,) = await reconcile(session)
        assert receipt.outcome is Outcome.FAILED
        assert "not carried out" in receipt.message
        assert await promote(session, company) is Outcome.DONE
        assert pipelines_to_production(company, "2.1.0") == 1


@pytest.mark.parametrize(
    "fault",
    [
        throttled(),
        limited(),
        json_answer(403, '{"message":"403 Forbidden"}'),
        json_answer(404, '{"message":"404 Project Not Found"}'),
        json_answer(400, '{"message":{"base":["Reference not found"]}}'),
    ],
    ids=["429 text", "429 json", "403", "404", "400"],
)
async def test_a_clear_refusal_is_a_failure_with_gitlabs_words_and_is_not_repeated(
    company: Company, proxy: FaultProxy, fault: Replace
) -> None:
    async with company.session(url=proxy.url) as session:
        proxy.play(fault, count=1, path=CREATE)
        assert await promote(session, company) is Outcome.FAILED
        assert sum(line.startswith("POST") and line.endswith("/pipeline") for line in proxy.requests) == 1
        assert session.journal.unsettled() == ()
        assert pipelines_to_production(company, "2.1.0") == 0


async def test_a_page_in_place_of_an_answer_leaves_the_outcome_open(company: Company, proxy: FaultProxy) -> None:
    async with company.session(url=proxy.url) as session:
        proxy.play(web_page(status=200), count=1, path=CREATE)
        assert await promote(session, company) is Outcome.UNKNOWN


async def test_a_rollback_whose_answer_was_lost_is_found_by_its_deployment(company: Company, proxy: FaultProxy) -> None:
    async with company.session(url=proxy.url) as session:
        proxy.play(Drop(0), count=1, path="*/retry")
        action = await prepare_rollback(session, await company.project(session), "fraud", "production", "alarms")
        assert (await run(session, action, "fraud")).outcome is Outcome.UNKNOWN
        (receipt,) = await reconcile(session)
        assert receipt.outcome is Outcome.DONE
        company.sandbox_clock.advance(600)
        assert await live(session, "fraud", "production") == "1.2.0"


async def test_a_failing_deployment_is_followed_to_its_log(company: Company) -> None:
    let_deployments_fail(company)
    async with company.session() as session:
        action = await prepare_promotion(session, await company.project(session), "fraud", "2.1.0", "production")
        receipt = await run(session, action, "fraud")
        last = [progress async for progress in follow(session, receipt)][-1]
        assert last.state is FollowState.FAILED
        assert "deploy" in last.message
        assert any("Health check failed" in line for line in last.log_tail)
        assert await live(session, "fraud", "production") == "2.0.0"


# Dies by its own hand right after the intent is on the disk, before anything is sent.
KILLED = """
    import asyncio, os, signal, sys
    from pathlib import Path
    from mlops_tui.config.paths import Paths
    from mlops_tui.domain.clock import SystemClock
    from mlops_tui.domain.contexts import Context
    from mlops_tui.domain.credentials import FoundCredential, Secret, TokenKind
    from mlops_tui.operations.actions import run
    from mlops_tui.operations.promotions import prepare_promotion
    from mlops_tui.operations.session import open_session

    async def main():
        home = Path(sys.argv[2])
        credential = FoundCredential(TokenKind.PERSONAL, Secret(os.environ["GITLAB_TOKEN"]), "test")
        context = Context("company", sys.argv[1], ("acme/fraud",))
        async with open_session(context, credential, SystemClock(), paths=Paths(home, home, home, home)) as session:
            project = await session.directory.project("acme/fraud")
            action = await prepare_promotion(session, project, "fraud", "2.1.0", "production")
            append = session.journal.append
            async def append_and_die(draft):
                await append(draft)
                os.kill(os.getpid(), signal.SIGKILL)
            session.journal.append = append_and_die
            await run(session, action, "fraud")

    asyncio.run(main())
"""


async def test_a_console_killed_between_the_journal_and_the_call_has_done_nothing(company: Company) -> None:
    home = company.folder / "maintainer"
    home.mkdir()
    environment = {**os.environ, "GITLAB_TOKEN": company.server.tokens["maintainer"]}
    arguments = [sys.executable, "-c", textwrap.dedent(KILLED), company.server.url, str(home)]
    died = await asyncio.to_thread(subprocess.run, arguments, env=environment, capture_output=True, timeout=60)
    assert died.returncode == -signal.SIGKILL, died.stderr
    async with company.session() as session:
        assert len(session.journal.unsettled()) == 1
        with pytest.raises(RefusedError, match="not known"):
            await promote(session, company)
        (receipt,) = await reconcile(session)
        assert receipt.outcome is Outcome.FAILED
        assert await promote(session, company) is Outcome.DONE
        assert pipelines_to_production(company, "2.1.0") == 1
