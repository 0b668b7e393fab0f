"""Requests for a promotion as issues: reading them with their votes, making one, and asking whether one was granted."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from mlops_tui.domain.approval_states import Obstacle
from mlops_tui.domain.approvals import Approval, ApprovalId, ApprovalKind, ApprovalRule, Decision, Standing, Vote
from mlops_tui.domain.deployments import DeploymentStatus
from mlops_tui.domain.errors import RefusedError
from mlops_tui.domain.journal import EntryKind
from mlops_tui.domain.policy import ApprovalPolicy
from mlops_tui.domain.projects import User
from mlops_tui.domain.votes import Electorate, Tally, count_votes
from mlops_tui.gitlab.issues import RequestIssue, get_request, list_notes, list_requests
from mlops_tui.operations.session import Session
from mlops_tui.operations.surroundings import Surroundings
from mlops_tui.storage.journal_votes import seen_votes, vote_draft


@dataclass(frozen=True, slots=True)
class CountedRequest:
    """A request with the count of its votes."""

    issue: RequestIssue
    tally: Tally
    policy: ApprovalPolicy

    @property
    def missing(self) -> int:
        """How many approvals are missing."""
        return max(0, self.policy.votes - self.tally.approvals)

    @property
    def votes(self) -> list[dict[str, str | int | None]]:
        """The votes as they enter a subject."""
        return [
            {"user": vote.user.username, "decision": vote.decision.value, "note": vote.note_id}
            for vote in self.tally.votes
        ]


async def waiting_requests(session: Session, around: Surroundings) -> list[Approval]:
    """Every open request of a project."""
    issues = await list_requests(session.transport, around.project.ref)
    counted = await asyncio.gather(*(count_request(session, around, issue) for issue in issues))
    newest: dict[tuple[str, str], int] = {}
    for issue in issues:
        place = (issue.request.model, issue.request.environment)
        newest[place] = max(newest.get(place, 0), issue.iid)
    return [
        _approval(
            session,
            around,
            item,
            is_overtaken=newest[(item.issue.request.model, item.issue.request.environment)] > item.issue.iid,
        )
        for item in counted
    ]


async def request_approval(session: Session, around: Surroundings, iid: int) -> Approval:
    """One request, whatever became of it."""
    issue, others = await asyncio.gather(
        get_request(session.transport, around.project.ref, iid), list_requests(session.transport, around.project.ref)
    )
    place = (issue.request.model, issue.request.environment)
    overtaken = any(item.iid > iid and (item.request.model, item.request.environment) == place for item in others)
    return _approval(session, around, await count_request(session, around, issue), is_overtaken=overtaken)


async def count_request(session: Session, around: Surroundings, issue: RequestIssue) -> CountedRequest:
    """Count the votes on the evidence that the request names, and remember in the journal which were seen."""
    approval = ApprovalId(ApprovalKind.ISSUE, around.project.ref.id, issue.iid)
    policy = around.policy.for_model(issue.request.model).approval
    notes = await list_notes(session.transport, around.project.ref, issue.iid)
    entries = await asyncio.to_thread(session.journal.entries, kinds=(EntryKind.OBSERVATION,))
    seen = seen_votes(entries, session.context.origin, approval)
    electorate = Electorate(
        roles={member.user.id: member.role for member in around.members or ()},
        minimum=policy.minimum_role,
        excluded=frozenset({issue.author.username, issue.request.requested_by}),
    )
    tally = count_votes(notes, issue.request.evidence, electorate, seen)
    await _remember(session, approval, [vote for vote in tally.votes if vote.note_id not in seen])
    return CountedRequest(issue, tally, policy)


async def find_request(
    session: Session, around: Surroundings, model: str, version: str, environment: str
) -> CountedRequest | None:
    """The newest open request for exactly this promotion, or None."""
    wanted = (model, version, environment)
    for issue in await list_requests(session.transport, around.project.ref):
        if (issue.request.model, issue.request.version, issue.request.environment) == wanted:
            return await count_request(session, around, issue)
    return None


async def _remember(session: Session, approval: ApprovalId, votes: list[Vote]) -> None:
    """Keep new votes in the journal; one that cannot be written now only makes this console less watchful."""
    for vote in votes:
        try:
            await session.journal.append(vote_draft(session.context.origin, approval, vote))
        except RefusedError:
            return


def _approval(session: Session, around: Surroundings, counted: CountedRequest, *, is_overtaken: bool) -> Approval:
    issue, request, tally = counted.issue, counted.issue.request, counted.tally
    state = Standing(
        missing=counted.missing,
        rejections=tally.rejections,
        has_run=_has_run(around, issue),
        has_ended=not issue.is_open,
        is_superseded=is_overtaken,
    ).state
    rule = _rule(around, counted)
    return Approval(
        id=ApprovalId(ApprovalKind.ISSUE, around.project.ref.id, issue.iid),
        project=around.project,
        title=request.title,
        model=request.model,
        version=request.version,
        environment=request.environment,
        is_production=around.is_production(session, request.environment, request.model),
        requested_by=_requester(around, issue),
        waiting_since=issue.created_at,
        state=state,
        rules=(rule,),
        votes=tally.votes,
        obstacle=Obstacle.of_state(state) or _obstacle(around, counted),
        may_reject=state.is_open and _obstacle(around, counted) in {None, Obstacle.VOTED},
        web_url=issue.web_url,
        evidence=request.evidence,
        notices=tuple(item.sentence for item in tally.discounted),
    )


def _rule(around: Surroundings, counted: CountedRequest) -> ApprovalRule:
    policy = counted.policy
    name = f"{policy.minimum_role.title} and above"
    excluded = {counted.issue.author.username, counted.issue.request.requested_by}
    eligible = (
        None
        if around.members is None
        else tuple(
            member.user
            for member in around.members
            if member.role >= policy.minimum_role and member.user.username not in excluded
        )
    )
    admits = around.project.role >= policy.minimum_role and around.me.username not in excluded
    return ApprovalRule(name, policy.votes, counted.tally.approvals, eligible, admits)


def _obstacle(around: Surroundings, counted: CountedRequest) -> Obstacle | None:
    if around.me.username in {counted.issue.author.username, counted.issue.request.requested_by}:
        return Obstacle.REQUESTER
    if around.project.role < counted.policy.minimum_role:
        return Obstacle.ROLE
    mine = next((vote for vote in counted.tally.votes if vote.user.id == around.me.id), None)
    return Obstacle.VOTED if mine is not None and mine.decision is Decision.APPROVED else None


def _requester(around: Surroundings, issue: RequestIssue) -> User:
    """Who asked: the person that the request names, where it is a member, else the author."""
    known = {member.user.username: member.user for member in around.members or ()}
    return known.get(issue.request.requested_by, issue.author)


def _has_run(around: Surroundings, issue: RequestIssue) -> bool:
    request = issue.request
    return any(
        item.deployed is not None
        and (item.deployed.model, item.deployed.version) == (request.model, request.version)
        and item.environment == request.environment
        and item.status is DeploymentStatus.SUCCESS
        and item.created_at >= issue.created_at
        for item in around.delivery.deployments
    )


def is_granted(counted: CountedRequest, evidence: str) -> bool:
    """Whether enough people agreed to exactly this evidence and nobody objected."""
    return counted.issue.request.evidence == evidence and not counted.missing and not counted.tally.rejections
