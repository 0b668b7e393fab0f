"""Deploying in full past a rollout: each of the two is told of the other."""

from __future__ import annotations

from mlops_tui.domain.policy import RolloutDriver
from mlops_tui.domain.projects import Project
from mlops_tui.domain.rollouts import Hindrance
from mlops_tui.operations.promotions import prepare_promotion
from mlops_tui.operations.rollouts.aborts import prepare_abort
from mlops_tui.operations.rollouts.listing import rollout
from mlops_tui.operations.rollouts.sightings import read_project
from mlops_tui.operations.rollouts.starts import prepare_start
from mlops_tui.operations.rollouts.steps import prepare_full
from mlops_tui.operations.rollouts.surroundings import promotion_obstacles, start_obstacles
from mlops_tui.operations.session import Session
from tests.faults.proxy import FaultProxy, json_answer
from tests.operations.approving import deploy, protect
from tests.operations.company import Company
from tests.operations.rolling import act, churn_session, fraud_session, start


async def told(session: Session, project: Project, model: str, version: str, environment: str = "production") -> str:
    action = await prepare_promotion(session, project, model, version, environment)
    return "\n".join(action.preview.obstacles)


async def test_a_promotion_past_a_rollout_is_told_of_it(company: Company) -> None:
    async with fraud_session(company) as session:
        project = await company.project(session)
        assert "rollout" not in await told(session, project, "fraud", "2.1.0")
        record = await start(company, session)
        warning = f"The rollout {record.id} of fraud 2.1.0 is running in production at 5 %: abort or end it first"
        assert warning in await told(session, project, "fraud", "2.1.0")
        assert "rollout" not in await told(session, project, "fraud", "1.2.1", "staging")
        # The promotion that ends the rollout is its own.
        own = (await prepare_full(session, record.id)).preview
        assert own.title.startswith("Promote fraud 2.1.0")
        assert warning not in own.obstacles
        await act(session, await prepare_abort(session, record.id, "slower"))
        assert "rollout" not in await told(session, project, "fraud", "2.1.0")
    async with churn_session(company) as session:
        project = await company.project(session, "acme/churn")
        await act(session, await prepare_start(session, project, "churn", ("2.0.0",), "production"))
        await session.clock.sleep(30)
        assert "of churn 2.0.0 is running in production at 10 %" in await told(session, project, "churn", "1.0.1")
        # One that is aborted already needs no abort any more.
        await act(session, await prepare_abort(session, "churn", "slower"))
        (going,) = [
            text for text in (await told(session, project, "churn", "1.0.1")).splitlines() if "The rollout" in text
        ]
        assert going.endswith(
            "of churn 2.0.0 is going back in production: a full deployment of another version ends it"
        )


async def test_a_promotion_is_told_of_the_approvals_that_it_waits_for(company: Company) -> None:
    async with fraud_session(company) as session:
        project = await company.project(session)
        assert "approvals" not in await told(session, project, "fraud", "2.1.0")
        protect(company)
        needed = "A deployment to production needs approvals (1 of Maintainers): it waits for them"
        assert needed in await told(session, project, "fraud", "2.1.0")


async def test_approvals_that_cannot_be_read_hide_nothing_else(company: Company) -> None:
    with FaultProxy(company.server.url) as proxy:
        async with company.session(url=proxy.url, projects=("acme/fraud",)) as session:
            record = await start(company, session)
            project = await company.project(session)
            reading = await read_project(session, project)
            # Those of a deployment are asked by GraphQL, and the rollout is not.
            proxy.play(json_answer(500, '{"message":"500 Internal Server Error"}'), path="*/graphql")
            past = await promotion_obstacles(session, project, "fraud", "production", "")
            assert past[0].startswith(f"The rollout {record.id} of fraud 2.1.0 is running in production")
            before = await start_obstacles(session, reading, "production", RolloutDriver.FLAG)
            for found in (past, before):
                assert found[-1].startswith("Which approvals a deployment to production needs could not be read: ")
                assert not [text for text in found if text.startswith("Whether a rollout")]


async def test_a_reporter_is_told_that_a_rollout_may_be_hidden(company: Company) -> None:
    async with fraud_session(company) as session:
        await start(company, session)
    async with fraud_session(company, "reporter") as session:
        project = await company.project(session)
        assert "in flags that you may not read" in await told(session, project, "fraud", "2.1.0")
        # Without flags nothing tells GitLab's time, and this machine's is not kept in its place.
        assert session.server_time is None


async def test_the_promotion_that_ends_a_rollout_reads_its_project_once(company: Company) -> None:
    with FaultProxy(company.server.url) as proxy:
        async with company.session(url=proxy.url, projects=("acme/fraud",)) as session:
            record = await start(company, session)
            asked = len(proxy.requests)
            await prepare_full(session, record.id)
            paths = [request.partition("?")[0] for request in proxy.requests[asked:]]
            assert len([path for path in paths if path.endswith("/feature_flags")]) == 1


async def test_a_rollout_is_told_of_a_newer_deployment_that_waits(company: Company) -> None:
    protect(company)
    async with fraud_session(company) as session:
        record = await start(company, session)
        assert Hindrance.WAITING not in {item.kind for item in record.obstacles}
        waiting = deploy(company, "1.2.0")
        found = [item for item in (await rollout(session, record.id)).data.obstacles if item.kind is Hindrance.WAITING]
        text = (
            f"Deployment {waiting.number} of 1.2.0 waits for somebody in production: it changes what serves as soon as "
        )
        assert [(item.text, item.stops_watch) for item in found] == [(f"{text}it is let through", False)]
        # Nor does the next one begin without a word of it.
        await act(session, await prepare_abort(session, record.id, "slower"))
        project = await company.project(session)
        again = await prepare_start(session, project, "fraud", ("2.1.0",), "production")
        assert any(item.startswith(f"Deployment {waiting.number} of 1.2.0 waits") for item in again.preview.obstacles)
