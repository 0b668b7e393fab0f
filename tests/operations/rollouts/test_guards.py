"""Deploy freezes, protected environments and approvals, before a rollout begins and while it waits."""

from __future__ import annotations

from mlops_tui.domain.api_calls import ApiCall, Method
from mlops_tui.domain.canonical import JsonValue
from mlops_tui.domain.projects import Project
from mlops_tui.domain.rollouts import Hindrance
from mlops_tui.operations.rollouts.listing import rollout
from mlops_tui.operations.rollouts.starts import prepare_start
from mlops_tui.operations.session import Session
from tests.operations.company import Company
from tests.operations.rolling import act, churn_session, fraud_session, plan_for


async def freeze(session: Session, project: Project) -> None:
    """Forbid deployments all day."""
    body = {"freeze_start": "0 0 * * *", "freeze_end": "59 23 * * *"}
    await session.transport.send(ApiCall(Method.POST, f"/api/v4/projects/{project.ref.id}/freeze_periods", body))


async def protect(session: Session, project: Project) -> None:
    """Let maintainers alone deploy to production, after two approvals."""
    rules: dict[str, JsonValue] = {
        "name": "production",
        "deploy_access_levels": [{"access_level": 40}],
        "approval_rules": [{"access_level": 40, "required_approvals": 2}],
    }
    path = f"/api/v4/projects/{project.ref.id}/protected_environments"
    await session.transport.send(ApiCall(Method.POST, path, rules))


async def start_obstacles(company: Company, session: Session) -> str:
    action = await prepare_start(session, await company.project(session), "fraud", ("2.1.0",), "production")
    return "\n".join(action.preview.obstacles)


async def test_a_start_tells_of_a_freeze_a_protection_and_the_approvals_it_runs_into(company: Company) -> None:
    async with fraud_session(company) as session:
        await plan_for(company, session)
        told = await start_obstacles(company, session)
        assert ("freeze" in told, "protected" in told, "approvals" in told) == (False, False, False)
        project = await company.project(session)
        await freeze(session, project)
        await protect(session, project)
        told = await start_obstacles(company, session)
        assert "A deploy freeze holds in production until" in told
        assert "production is protected: only Maintainers may deploy to it" in told
        assert "A deployment to production needs approvals (2 of Maintainers)" in told
        assert "the promotion at the end waits for them" in told
    async with fraud_session(company, "developer") as session:
        told = await start_obstacles(company, session)
        assert "production is protected, and you are not among those who may deploy to it" in told
        assert "needs approvals (2 of" in told


async def test_a_manual_job_waits_for_approvals_only_where_rules_ask_for_them(company: Company) -> None:
    async with churn_session(company) as session:
        project = await company.project(session, "acme/churn")
        await act(session, await prepare_start(session, project, "churn", ("2.0.0",), "production"))
        await session.clock.sleep(30)
        # The job of the next step is manual, and GitLab calls its deployment blocked.
        assert Hindrance.APPROVAL not in {item.kind for item in (await rollout(session, "churn")).data.obstacles}
        await protect(session, project)
        told = [item for item in (await rollout(session, "churn")).data.obstacles if item.kind is Hindrance.APPROVAL]
        (text,) = [item.text for item in told]
        assert text.startswith("The job rollout 25% waits for approvals of deployment")
        assert text.endswith("2 of Maintainers")
