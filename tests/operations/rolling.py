"""A plan in the company's policy file, and the rollouts that are begun by it."""

from __future__ import annotations

from mlops_tui.domain.actions import Outcome, Receipt
from mlops_tui.domain.api_calls import ApiCall, Method
from mlops_tui.domain.rollout_records import Rollout
from mlops_tui.operations.actions import Action, run
from mlops_tui.operations.rollouts import prepare_start, rollout
from mlops_tui.operations.session import Session
from tests.operations.company import Company

PLAN = """
version: 1
models:
  fraud:
    deploy: {with: inputs, parameters: {intent: intent}}
    rollout:
      driver: flag
      steps: [{weight: 5}, {weight: 25}, {weight: 100}]
      guardrails: [{name: errors, kind: rate, direction: lower, margin: 0.02}]
"""


async def plan_for(company: Company, session: Session, plan: str = PLAN) -> None:
    """Write a policy file on the default branch."""
    project = await company.project(session)
    body = {"branch": "main", "content": plan, "commit_message": "Plan a rollout"}
    path = f"/api/v4/projects/{project.ref.id}/repository/files/.gitlab%2Fmlops.yml"
    await session.transport.send(ApiCall(Method.PUT, path, body))


async def act(session: Session, action: Action) -> Receipt:
    """Confirm and run an action that has to succeed."""
    receipt = await run(session, action, action.preview.confirmation.name)
    assert receipt.outcome is Outcome.DONE, receipt.message
    return receipt


async def start(company: Company, session: Session, plan: str = PLAN, *versions: str) -> Rollout:
    """Begin a rollout of the newest version to production."""
    await plan_for(company, session, plan)
    project = await company.project(session)
    action = await prepare_start(session, project, "fraud", versions or ("2.1.0",), "production")
    await act(session, action)
    return (await rollout(session, action.preview.intent.id[:8])).data
