"""Merge requests that are open, their approval rules, and the calls that approve them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from mlops_tui.domain.api_calls import ApiCall, Method
from mlops_tui.domain.approvals import ApprovalRule, Decision, Vote
from mlops_tui.domain.errors import NotAllowedError, NotFoundError
from mlops_tui.domain.projects import Project, ProjectRef, User
from mlops_tui.gitlab.payloads import Moment, Name, Payload, read, read_all
from mlops_tui.gitlab.people import Person
from mlops_tui.gitlab.transport import Transport


@dataclass(frozen=True, slots=True)
class MergeRequest:
    """A merge request; ``sha`` is the head that would be merged."""

    iid: int
    project: ProjectRef
    title: str
    state: str
    is_draft: bool
    author: User
    sha: str
    target_branch: str
    created_at: datetime
    web_url: str


@dataclass(frozen=True, slots=True)
class MergeRequestApprovals:
    """What GitLab says about the approvals of a merge request."""

    rules: tuple[ApprovalRule, ...]
    votes: tuple[Vote, ...]
    i_may_approve: bool
    i_have_approved: bool


class _MergeRequest(Payload):
    iid: int
    title: Name = ""
    state: Name = ""
    draft: bool | None = False
    author: Person
    sha: Name = ""
    target_branch: Name = ""
    created_at: Moment
    web_url: Name = ""


class _Approval(Payload):
    user: Person
    approved_at: Moment | None = None


class _Approvals(Payload):
    approvals_required: int = 0
    approvals_left: int = 0
    approved_by: tuple[_Approval, ...] = ()
    user_has_approved: bool | None = False
    user_can_approve: bool | None = False


class _Rule(Payload):
    name: Name = ""
    approvals_required: int = 0
    eligible_approvers: tuple[Person, ...] = ()
    approved_by: tuple[Person, ...] = ()
    contains_hidden_groups: bool | None = False
    rule_type: Name = ""


class _State(Payload):
    rules: tuple[_Rule, ...] = ()


async def list_open(transport: Transport, project: ProjectRef) -> list[MergeRequest]:
    """The open merge requests, newest first."""
    found: list[MergeRequest] = []
    try:
        async for rows in transport.pages(f"/api/v4/projects/{project.id}/merge_requests", {"state": "opened"}):
            found += [_record(row, project) for row in read_all(_MergeRequest, rows, "the merge requests")]
    except (NotAllowedError, NotFoundError):
        return []
    return found


async def get_merge_request(transport: Transport, project: ProjectRef, iid: int) -> MergeRequest:
    """One merge request."""
    answer = await transport.get(f"/api/v4/projects/{project.id}/merge_requests/{iid}")
    return _record(read(_MergeRequest, answer.json(), "the merge request"), project)


async def read_approvals(
    transport: Transport, project: Project, iid: int, *, with_rules: bool = True
) -> MergeRequestApprovals:
    """Who approved a merge request and who is missing; without ``with_rules`` one rule stands for all of them.

    Rules with names exist where the licence has them; elsewhere an approval is one any member may give, and none is
    needed.
    """
    path = f"/api/v4/projects/{project.ref.id}/merge_requests/{iid}"
    answer = await transport.get(f"{path}/approvals")
    row = read(_Approvals, answer.json(), "the approvals")
    rules: tuple[ApprovalRule, ...] = ()
    if project.has_merge_request_rules and with_rules:
        state = read(_State, (await transport.get(f"{path}/approval_state")).json(), "the approval rules")
        rules = tuple(_rule(item, may=bool(row.user_can_approve)) for item in state.rules)
    if not rules:
        approved = len(row.approved_by)
        required = max(row.approvals_required, approved + row.approvals_left, 1)
        rules = (ApprovalRule("any approver", required, approved, None, bool(row.user_can_approve)),)
    votes = tuple(
        Vote(item.user.record(), Decision.APPROVED, item.approved_at) for item in row.approved_by if item.approved_at
    )
    return MergeRequestApprovals(rules, votes, bool(row.user_can_approve), bool(row.user_has_approved))


def approve_call(project: ProjectRef, iid: int, sha: str) -> ApiCall:
    """Approve a merge request as it is at ``sha``; GitLab refuses when another commit came."""
    path = f"/api/v4/projects/{project.id}/merge_requests/{iid}/approve"
    return ApiCall(Method.POST, path, {"sha": sha}, f"approve the merge request at {sha[:8]}")


def unapprove_call(project: ProjectRef, iid: int) -> ApiCall:
    """Take one's own approval back."""
    path = f"/api/v4/projects/{project.id}/merge_requests/{iid}/unapprove"
    return ApiCall(Method.POST, path, purpose="take your approval back")


def _rule(row: _Rule, *, may: bool) -> ApprovalRule:
    eligible = tuple(person.record() for person in row.eligible_approvers)
    is_open = row.rule_type == "any_approver" or bool(row.contains_hidden_groups)
    return ApprovalRule(
        name=row.name or row.rule_type.replace("_", " "),
        required=row.approvals_required,
        approved=len(row.approved_by),
        eligible=None if is_open and not eligible else eligible,
        admits_me=may,
    )


def _record(row: _MergeRequest, project: ProjectRef) -> MergeRequest:
    return MergeRequest(
        iid=row.iid,
        project=project,
        title=row.title,
        state=row.state,
        is_draft=bool(row.draft),
        author=row.author.record(),
        sha=row.sha,
        target_branch=row.target_branch,
        created_at=row.created_at,
        web_url=row.web_url,
    )
