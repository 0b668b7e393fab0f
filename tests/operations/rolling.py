"""Rollouts of the company's fraud model: plans, traffic that is really stored as traces, and people who act."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from mlops_tui.domain.actions import Outcome, Receipt
from mlops_tui.domain.api_calls import ApiCall, Method
from mlops_tui.domain.rollouts import Rollout
from mlops_tui.domain.traces import Resource, Span, Value
from mlops_tui.operations.actions import Action, run
from mlops_tui.operations.rollouts.listing import rollout
from mlops_tui.operations.rollouts.starts import prepare_start
from mlops_tui.operations.session import Session
from mlops_tui.storage.traces import FILE_NAME, TraceStore
from tests.operations.company import Company
from tests.storage.trace_spans import span


class ProgramEndedError(BaseException):
    """The program ends here, as if it were killed; unlike an interrupt it leaves the test's event loop alone."""


WIDTH = 10
_numbers = itertools.count(1)
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
# Steps that a watcher leaves by itself, and two guardrails of which one decides.
WATCHED = """
version: 1
models:
  fraud:
    deploy: {with: inputs, parameters: {intent: intent}}
    rollout:
      driver: flag
      steps: [{weight: 5, soak: 30s, min_samples: 100}, {weight: 25, soak: 20s}, {weight: 100}]
      guardrails:
        - {name: errors, kind: rate, direction: lower, margin: 0.05}
        - {name: score, metric: prediction.score, kind: mean, direction: lower, margin: 0.1, critical: false}
"""


def fraud_session(company: Company, role: str = "maintainer") -> Session:
    """A session that looks at the fraud model's project alone."""
    return company.session(role, projects=("acme/fraud",))


def churn_session(company: Company, role: str = "maintainer") -> Session:
    """A session that looks at the churn model's project alone."""
    return company.session(role, projects=("acme/churn",))


async def plan_for(company: Company, session: Session, plan: str = PLAN, path: str = "acme/fraud") -> None:
    """Write a policy file on the default branch."""
    project = await company.project(session, path)
    body = {"branch": "main", "content": plan, "commit_message": "Plan a rollout"}
    file = f"/api/v4/projects/{project.ref.id}/repository/files/.gitlab%2Fmlops.yml"
    await session.transport.send(ApiCall(Method.PUT, file, body))


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


@dataclass
class Traffic:
    """What both arms serve: stored as spans of the session's own trace store, window by window."""

    session: Session
    control: str = "2.0.0"
    treatment: str = "2.1.0"
    folder: Path | None = None
    number: int = field(default_factory=lambda: next(_numbers))
    _store: TraceStore = field(init=False)

    async def __aenter__(self) -> Self:
        self._store = TraceStore((self.folder or self.session.data) / FILE_NAME, self.session.clock, width=WIDTH)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._store.close()

    async def flow(self, windows: int, *, stable: int = 60, canary: int = 60, faults: float = 0.0) -> None:
        """Let some windows of traffic pass; a share of the canary's answers are errors."""
        for _ in range(windows):
            begin = self.session.clock.now().timestamp()
            spans = [self._span(begin, place, stable, "stable", self.control, False) for place in range(stable)]
            spans += [
                self._span(begin, place, canary, "canary", self.treatment, place < faults * canary)
                for place in range(canary)
            ]
            await self._store.append(spans)
            await self.session.clock.sleep(WIDTH)
        await self._store.fold_all()

    def _span(self, begin: float, place: int, of: int, arm: str, version: str, is_error: bool) -> Span:
        self.number = next(_numbers)
        end_ns = int((begin + WIDTH * (place + 0.5) / of) * 1_000_000_000)
        attributes: dict[str, Value] = {
            "ml.model.name": "fraud",
            "ml.model.version": version,
            "ml.deployment.track": arm,
            "deployment.environment.name": "production",
            "gitlab.project.name": "acme/fraud",
            "ml.prediction.score": 0.2 + 0.001 * (place % 7),
        }
        resource = Resource({"service.name": "fraud-api"})
        return span(self.number, attributes, end_ns=end_ns, is_error=is_error, resource=resource)
