"""Approvals of deployments: progress rule by rule, and the call that decides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from mlops_tui.domain.api_calls import ApiCall, Method
from mlops_tui.domain.approvals import Decision, Vote, role_name
from mlops_tui.domain.canonical import JsonValue
from mlops_tui.domain.deployments import Deployment
from mlops_tui.domain.errors import NotAllowedError, NotFoundError, RemoteError
from mlops_tui.domain.projects import ProjectRef, User
from mlops_tui.domain.text import clean
from mlops_tui.gitlab.payloads import Block, GraphQLPayload, Moment, Name, Payload, read
from mlops_tui.gitlab.people import GraphQLPerson, Person
from mlops_tui.gitlab.projects import role_of
from mlops_tui.gitlab.transport import Transport

# Each of these fields may be resolved for one deployment of an operation
# (GitLab: ee/app/graphql/ee/types/deployment_type.rb), so every deployment is an operation of its own.
_SUMMARY = """query($project: ID!, $iid: ID!) { project(fullPath: $project) { deployment(iid: $iid) {
approvalSummary { rules { group { id name } user { id username name } accessLevel { integerValue }
requiredApprovals approvedCount canApprove
approvals { user { id username name } status comment createdAt } } } } } }"""


@dataclass(frozen=True, slots=True)
class DeploymentRule:
    """An approval rule of an environment with what was said under it for one deployment.

    Exactly one of ``group_id``, ``user`` and ``level`` says whom it admits.
    """

    name: str
    required: int
    approved: int
    admits_me: bool
    votes: tuple[Vote, ...]
    group_id: int | None = None
    user: User | None = None
    level: int | None = None
    represented_as: str = ""


@dataclass(frozen=True, slots=True)
class GivenApproval:
    """A decision on a deployment, of whichever rule."""

    user: User
    decision: Decision
    at: datetime
    comment: str


class _Group(GraphQLPayload):
    id: str
    name: Name = ""


class _Level(GraphQLPayload):
    integer_value: int | None = None


class _GraphQLApproval(GraphQLPayload):
    user: GraphQLPerson
    status: Name
    comment: Block = ""
    created_at: Moment


class _Rule(GraphQLPayload):
    group: _Group | None = None
    user: GraphQLPerson | None = None
    access_level: _Level | None = None
    required_approvals: int = 1
    approved_count: int | None = 0
    can_approve: bool | None = False
    approvals: tuple[_GraphQLApproval, ...] | None = ()


class _Approval(Payload):
    user: Person
    status: Name
    created_at: Moment
    comment: Block = ""


class _Extended(Payload):
    user: Person | None = None
    approvals: tuple[_Approval, ...] = ()
    pending_approval_count: int | None = None


async def deployment_rules(
    transport: Transport, project: ProjectRef, deployments: Sequence[Deployment]
) -> dict[int, tuple[DeploymentRule, ...] | None]:
    """The rules of several deployments by their id, in as few requests as GitLab takes.

    None stands for a deployment whose rules this token may not see.
    """
    queries = [(_SUMMARY, {"project": project.path, "iid": str(item.iid)}) for item in deployments]
    results = await transport.graphql_many(queries, what="read the approval rules") if queries else []
    found: dict[int, tuple[DeploymentRule, ...] | None] = {}
    for deployment, result in zip(deployments, results, strict=True):
        found[deployment.id] = None if isinstance(result, RemoteError) else _rules(result)
    return found


async def triggerer_and_votes(
    transport: Transport, project: ProjectRef, deployment_id: int
) -> tuple[User | None, tuple[GivenApproval, ...]]:
    """Who triggered a deployment, and every decision on it; both empty where this token may not see it."""
    try:
        answer = await transport.get(f"/api/v4/projects/{project.id}/deployments/{deployment_id}")
    except (NotAllowedError, NotFoundError):
        return None, ()
    row = read(_Extended, answer.json(), "the deployment")
    given = tuple(
        GivenApproval(item.user.record(), Decision(item.status), item.created_at, item.comment)
        for item in row.approvals
        if item.status in set(Decision)
    )
    return (row.user.record() if row.user else None), given


def decide_call(
    project: ProjectRef, deployment_id: int, decision: Decision, comment: str, represented_as: str
) -> ApiCall:
    """Decide on a deployment; ``represented_as`` names the rule it is meant for, empty for the first that admits."""
    body: dict[str, JsonValue] = {"status": decision.value, "comment": comment}
    if represented_as:
        body["represented_as"] = represented_as
    path = f"/api/v4/projects/{project.id}/deployments/{deployment_id}/approval"
    verb = "approve" if decision is Decision.APPROVED else "reject"
    return ApiCall(Method.POST, path, body, f"{verb} deployment {deployment_id}")


def _rules(data: dict[str, object]) -> tuple[DeploymentRule, ...] | None:
    deployment: object = data.get("project")
    for key in ("deployment", "approvalSummary"):
        deployment = deployment.get(key) if isinstance(deployment, dict) else None
    if not isinstance(deployment, dict):
        return None
    rows = deployment.get("rules")
    return tuple(_rule(read(_Rule, row, "the approval rule")) for row in rows) if isinstance(rows, list) else ()


def _rule(row: _Rule) -> DeploymentRule:
    level = row.access_level.integer_value if row.access_level else None
    stands_for = row.user.name if row.user else row.group.name if row.group else role_name(level or 0)
    name = stands_for or (f"{role_of(level).title} and above" if level is not None else "a rule without a name")
    given = row.approvals or ()
    votes = tuple(
        Vote(item.user.record(), Decision(item.status.lower()), item.created_at, clean(item.comment), name)
        for item in given
        if item.status.lower() in set(Decision)
    )
    return DeploymentRule(
        name=name,
        required=row.required_approvals,
        approved=row.approved_count or 0,
        admits_me=bool(row.can_approve),
        votes=votes,
        group_id=_number(row.group.id) if row.group else None,
        user=row.user.record() if row.user else None,
        level=level if not (row.group or row.user) else None,
        represented_as=stands_for,
    )


def _number(global_id: str) -> int | None:
    digits = global_id.rpartition("/")[2]
    return int(digits) if digits.isdigit() else None
