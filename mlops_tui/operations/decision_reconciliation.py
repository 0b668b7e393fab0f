"""What GitLab shows of a decision whose outcome is unknown, for settling it after a crash or a lost answer."""

from __future__ import annotations

from collections.abc import Sequence

from mlops_tui.domain.actions import ActionKind, Intent
from mlops_tui.domain.api_calls import ApiCall
from mlops_tui.domain.approvals import ApprovalId, ApprovalKind
from mlops_tui.domain.environments import EnvironmentState
from mlops_tui.domain.pipelines import PipelineStatus
from mlops_tui.domain.projects import Project
from mlops_tui.domain.text import clean_block
from mlops_tui.gitlab.approvals import triggerer_and_votes
from mlops_tui.gitlab.environments import list_environments
from mlops_tui.gitlab.issues import list_notes, list_requests
from mlops_tui.gitlab.jobs import get_job
from mlops_tui.gitlab.merge_requests import read_approvals
from mlops_tui.gitlab.protected_environments import list_protected
from mlops_tui.operations.session import Session


async def traces_of_decision(session: Session, project: Project, intent: Intent, calls: Sequence[ApiCall]) -> list[str]:
    """What shows that a decision or comment was recorded: at most one sentence part."""
    approval = ApprovalId.parse(str(intent.expected.get("approval", "")))
    match approval.kind:
        case ApprovalKind.DEPLOYMENT:
            return await _on_deployment(session, project, approval, calls)
        case ApprovalKind.MANUAL_JOB:
            return await _started(session, project, approval.number)
        case ApprovalKind.ISSUE:
            return await _in_notes(session, project, approval, intent, calls, "issues")
        case ApprovalKind.MERGE_REQUEST:
            return await _on_merge_request(session, project, approval, intent, calls)


async def traces_of_request(session: Session, project: Project, intent: Intent) -> tuple[list[str], list[str]]:
    """The issues that carry the intent, and their pages."""
    issues = [
        issue
        for issue in await list_requests(session.transport, project.ref, state="all")
        if issue.request.intent == intent.id
    ]
    return [f"issue {issue.iid}" for issue in issues], [issue.web_url for issue in issues]


async def traces_of_protection(session: Session, project: Project, intent: Intent) -> list[str]:
    """Whether the environment is protected as it was to be: by as many rules."""
    wanted = intent.expected.get("rules after")
    for protection in await list_protected(session.transport, project.ref) or ():
        if protection.name == intent.subject.environment and len(protection.approvals) == wanted:
            return [f"the protection of {protection.name}"]
    return []


async def traces_of_stop(session: Session, project: Project, intent: Intent) -> list[str]:
    """Whether the environment has stopped or is about to."""
    return [
        f"{environment.name}, {environment.state.value}"
        for environment in await list_environments(session.transport, project.ref)
        if environment.name == intent.subject.environment
        and environment.state in {EnvironmentState.STOPPING, EnvironmentState.STOPPED}
    ]


async def _on_deployment(
    session: Session, project: Project, approval: ApprovalId, calls: Sequence[ApiCall]
) -> list[str]:
    deciding = [call for call in calls if call.path.endswith("/approval")]
    starting = [call for call in calls if call.path.endswith("/play")]
    if not deciding:
        return await _started(session, project, _job_of(starting[0])) if starting else []
    body = deciding[0].body or {}
    _, given = await triggerer_and_votes(session.transport, project.ref, approval.number)
    mine = [vote for vote in given if vote.user.username == session.username and vote.comment == body.get("comment")]
    return [f"the decision of {mine[0].at:%Y-%m-%d %H:%M}"] if mine else []


async def _on_merge_request(
    session: Session, project: Project, approval: ApprovalId, intent: Intent, calls: Sequence[ApiCall]
) -> list[str]:
    noted = await _in_notes(session, project, approval, intent, calls, "merge_requests")
    if noted or intent.kind is not ActionKind.APPROVE:
        return noted
    approvals = await read_approvals(session.transport, project, approval.number)
    return ["the approval"] if approvals.i_have_approved else []


async def _in_notes(
    session: Session, project: Project, approval: ApprovalId, intent: Intent, calls: Sequence[ApiCall], place: str
) -> list[str]:
    notes = await list_notes(session.transport, project.ref, approval.number, place)
    bodies = {clean_block(str((call.body or {}).get("body", ""))) for call in calls if call.path.endswith("/notes")}
    found = [
        note
        for note in notes
        if note.author.username == session.username
        and ((note.decision is not None and note.decision.intent == intent.id) or note.body in bodies)
    ]
    return [f"note {found[0].id}"] if found else []


async def _started(session: Session, project: Project, job_id: int) -> list[str]:
    job = await get_job(session.transport, project.ref, job_id)
    return [] if job.status is PipelineStatus.MANUAL else [f"the job {job.name}, {job.status.value}"]


def _job_of(call: ApiCall) -> int:
    number = call.path.split("/")[-2]
    return int(number) if number.isdigit() else 0
