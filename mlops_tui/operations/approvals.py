"""The inbox: everything that waits for a person over all projects, and one thing by its id."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta

from mlops_tui.domain.approval_states import ApprovalState
from mlops_tui.domain.approvals import Approval, ApprovalId, ApprovalKind, in_inbox_order
from mlops_tui.domain.errors import MlopsError, NotSignedInError, UnreachableError
from mlops_tui.domain.projects import Project, User
from mlops_tui.domain.snapshots import Snapshot
from mlops_tui.operations.deployment_approvals import deployment_approval, job_approval, waiting_deployments
from mlops_tui.operations.merge_request_approvals import merge_request_approval, waiting_merge_requests
from mlops_tui.operations.promotion_requests import request_approval, waiting_requests
from mlops_tui.operations.session import Session
from mlops_tui.operations.surroundings import (
    Surroundings,
    read_surroundings,
    renew_surroundings,
    way_sentence,
)

_SELDOM = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Inbox:
    """What waits, what one may settle first; ``notices`` are sentences about projects and how they approve."""

    approvals: tuple[Approval, ...]
    notices: tuple[str, ...]
    me: User

    @property
    def for_me(self) -> tuple[Approval, ...]:
        """What the token's own user may decide now."""
        return tuple(item for item in self.approvals if item.can_decide)


class InboxReader:
    """Reads the inbox again and again, as a live view does.

    Environments, policies and members are read anew once a minute only; deployments, merge requests, issues, votes
    and jobs every time.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._known: dict[int, tuple[datetime, Surroundings]] = {}

    async def read(self) -> Snapshot[Inbox]:
        """Everything that waits in the projects of the context.

        A project that cannot be read is told of in the notices and hides no other; an error that concerns all of them
        raises.
        """
        projects = await self._session.projects()
        me = await self._session.identify()
        parts = await asyncio.gather(*(self._of_project(project) for project in projects))
        found = [approval for approvals, _ in parts for approval in approvals]
        notices = [notice for _, said in parts for notice in said]
        return self._session.snapshot(Inbox(in_inbox_order(found), tuple(notices), me))

    async def _of_project(self, project: Project) -> tuple[list[Approval], list[str]]:
        try:
            around = await self._surroundings(project)
            return await _waiting(self._session, around), _ways(around)
        except (UnreachableError, NotSignedInError):
            raise
        except MlopsError as error:
            return [], [f"{project.ref.path} is left out: {error.what}: {error.why}"]

    async def _surroundings(self, project: Project) -> Surroundings:
        now = self._session.clock.now()
        read_at, known = self._known.get(project.ref.id, (now - _SELDOM, None))
        if known is not None and now - read_at < _SELDOM:
            return await renew_surroundings(self._session, known)
        around = await read_surroundings(self._session, project)
        self._known[project.ref.id] = (now, around)
        return around


async def list_approvals(session: Session) -> Snapshot[Inbox]:
    """Everything that waits in the projects of the context, read once."""
    return await InboxReader(session).read()


async def find_approval(session: Session, approval_id: ApprovalId) -> Approval:
    """One approval as it is now, whether it still waits or not; raises NotFoundError where there is none."""
    return (await find_with_surroundings(session, approval_id))[0]


async def find_with_surroundings(session: Session, approval_id: ApprovalId) -> tuple[Approval, Surroundings]:
    """One approval with what it was judged with."""
    project = await session.directory.project(approval_id.project_id)
    around = await read_surroundings(session, project)
    match approval_id.kind:
        case ApprovalKind.DEPLOYMENT:
            return await deployment_approval(session, around, approval_id.number), around
        case ApprovalKind.MANUAL_JOB:
            return await job_approval(session, around, approval_id.number), around
        case ApprovalKind.MERGE_REQUEST:
            return await merge_request_approval(session, around, approval_id.number), around
        case ApprovalKind.ISSUE:
            return await request_approval(session, around, approval_id.number), around


async def _waiting(session: Session, around: Surroundings) -> list[Approval]:
    parts = await asyncio.gather(
        waiting_deployments(session, around),
        waiting_merge_requests(session, around),
        waiting_requests(session, around),
    )
    return [item for part in parts for item in part if item.state.is_open or _tells(item)]


def _ways(around: Surroundings) -> list[str]:
    policies = [model.approval for model in around.policy.models.values()]
    return sorted({way_sentence(around.project, policy) for policy in policies} - {""})


def _tells(approval: Approval) -> bool:
    """Whether something that no vote can change is worth a row: an open request that was rejected or overtaken."""
    return approval.id.kind is ApprovalKind.ISSUE and approval.state in {
        ApprovalState.REJECTED,
        ApprovalState.SUPERSEDED,
    }
