"""Merge requests that wait for approvals."""

from __future__ import annotations

import asyncio

from mlops_tui.domain.approval_states import Obstacle
from mlops_tui.domain.approvals import Approval, ApprovalId, ApprovalKind, Standing
from mlops_tui.domain.projects import Role
from mlops_tui.gitlab.merge_requests import (
    MergeRequest,
    MergeRequestApprovals,
    get_merge_request,
    list_open,
    read_approvals,
)
from mlops_tui.operations.session import Session
from mlops_tui.operations.surroundings import Surroundings

MOST = 20


async def waiting_merge_requests(session: Session, around: Surroundings) -> list[Approval]:
    """The newest open merge requests into the default branch, which holds a model's code and policy; no drafts.

    Their rules are read with the sheet: here the count of missing approvals is enough.
    """
    project = around.project
    found = [
        item
        for item in await list_open(session.transport, project.ref)
        if item.target_branch == project.default_branch and not item.is_draft
    ][:MOST]
    told = await asyncio.gather(
        *(read_approvals(session.transport, project, item.iid, with_rules=False) for item in found)
    )
    return [_approval(around, item, approvals) for item, approvals in zip(found, told, strict=True)]


async def merge_request_approval(session: Session, around: Surroundings, iid: int) -> Approval:
    """One merge request, whatever became of it."""
    found, approvals = await asyncio.gather(
        get_merge_request(session.transport, around.project.ref, iid),
        read_approvals(session.transport, around.project, iid),
    )
    return _approval(around, found, approvals)


def _approval(around: Surroundings, found: MergeRequest, approvals: MergeRequestApprovals) -> Approval:
    models = tuple(around.policy.models)
    state = Standing(
        missing=sum(rule.missing for rule in approvals.rules),
        has_run=found.state == "merged",
        has_ended=found.state in {"closed", "locked"},
    ).state
    return Approval(
        id=ApprovalId(ApprovalKind.MERGE_REQUEST, around.project.ref.id, found.iid),
        project=around.project,
        title=found.title,
        model=models[0] if len(models) == 1 else "",
        version="",
        environment="",
        is_production=False,
        requested_by=found.author,
        waiting_since=found.created_at,
        state=state,
        rules=approvals.rules,
        votes=approvals.votes,
        obstacle=Obstacle.of_state(state) or _obstacle(around, found, approvals),
        may_reject=state.is_open and around.project.role >= Role.REPORTER,
        web_url=found.web_url,
        sha=found.sha,
    )


def _obstacle(around: Surroundings, found: MergeRequest, approvals: MergeRequestApprovals) -> Obstacle | None:
    if approvals.i_may_approve:
        return None
    if approvals.i_have_approved:
        return Obstacle.VOTED
    if found.author.id == around.me.id:
        return Obstacle.AUTHOR
    return Obstacle.ROLE if around.project.role < Role.DEVELOPER else Obstacle.NOT_ELIGIBLE
