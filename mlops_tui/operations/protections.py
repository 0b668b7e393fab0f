"""Protecting environments, and who decided about what is live there."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from mlops_tui.domain.actions import ActionKind, Change, Confirmation, ConfirmationKind, Preview, Subject
from mlops_tui.domain.approvals import Decision
from mlops_tui.domain.errors import RefusedError, UsageError
from mlops_tui.domain.evidence_sheets import read_mark
from mlops_tui.domain.policy import ApprovalMode
from mlops_tui.domain.projects import Project, Role
from mlops_tui.domain.protected_environments import AccessEntry, ProtectedEnvironment, RequiredApproval
from mlops_tui.domain.snapshots import Snapshot
from mlops_tui.domain.text import counted
from mlops_tui.gitlab.approvals import triggerer_and_votes
from mlops_tui.gitlab.issues import list_notes, list_requests
from mlops_tui.gitlab.members import project_members
from mlops_tui.gitlab.protected_environments import add_rules_call, list_protected, protect_call, read_protected
from mlops_tui.operations.actions import Action, Performed, Sender, State, new_intent, refuse_when_read_only
from mlops_tui.operations.environments import EnvironmentSummary, find_environment
from mlops_tui.operations.models import LiveRow
from mlops_tui.operations.session import Session
from mlops_tui.operations.surroundings import approval_way

_PERMITTED = (Role.REPORTER, Role.DEVELOPER, Role.MAINTAINER)


@dataclass(frozen=True, slots=True)
class EnvironmentPage:
    """An environment with its protection; ``protection`` is None where there is none or it may not be seen.

    ``way`` is how promotions to production are approved in its project.
    """

    summary: EnvironmentSummary
    protection: ProtectedEnvironment | None
    may_see: bool
    way: ApprovalMode


@dataclass(frozen=True, slots=True)
class Responsibility:
    """Who approved what is live, and on which evidence; empty where nobody is known."""

    approved_by: tuple[str, ...] = ()
    evidence: str = ""


async def show_environment(session: Session, name: str) -> Snapshot[EnvironmentPage]:
    """One environment, as NAME or GROUP/PROJECT:NAME.

    Raises UsageError when there is none or several projects have it, naming them.
    """
    summary = await find_environment(session, name)
    project = summary.project
    known = await list_protected(session.transport, project.ref) if project.has_deployment_approvals else ()
    protection = next((item for item in known or () if item.name == summary.environment.name), None)
    policy = await session.policy(project)
    model = next(iter(policy.models), project.ref.name)
    way = approval_way(project, policy.for_model(model).approval)
    return session.snapshot(EnvironmentPage(summary, protection, known is not None, way))


async def prepare_protection(session: Session, name: str, deployers: Sequence[str], approvers: Sequence[str]) -> Action:
    """Preview protecting an environment, or adding approval rules to one that is protected.

    Each of ``deployers`` is a role or @USER; each of ``approvers`` may end with ``:COUNT``. Raises UsageError for
    anything else, RefusedError where the licence has no protected environments or the role does not suffice.
    """
    refuse_when_read_only(session)
    await session.identify()
    summary = await find_environment(session, name)
    project = summary.project
    _refuse_powerless(project)
    rules = [await _required(session, project, text) for text in approvers]
    entries = [await _entry(session, project, text) for text in deployers or ("maintainer",)]
    environment = summary.environment.name
    before = await _protection(session, project, environment)
    call = (
        protect_call(project.ref, environment, entries, rules)
        if before is None
        else add_rules_call(project.ref, environment, rules)
    )
    count = len(before.approvals) if before else 0
    subject = Subject(session.context.origin, project.ref.path, "", "", environment)
    expected: State = {"rules before": count, "rules after": count + len(rules)}
    intent = new_intent(session, ActionKind.PROTECT, subject, expected)
    changes = (
        Change("deployers", "anybody who may run the job" if before is None else "as they are", _names(entries)),
        *(Change("approval rule", "", f"{rule.count} of {rule.access.name}") for rule in rules),
    )
    title = f"Protect {project.ref.path}:{environment}"
    preview = Preview(intent, title, (call,), changes, Confirmation(ConfirmationKind.YES), is_production=False)

    async def read_state() -> State:
        now = await _protection(session, project, environment)
        known = len(now.approvals) if now else 0
        return {"rules before": known, "rules after": known + len(rules)}

    async def perform(sender: Sender) -> Performed:
        made = read_protected((await sender.send(call)).body)
        lost = count + len(rules) - len(made.approvals)
        dropped = f"; GitLab left out {lost} of the rules, whose people do not suit it" if lost else ""
        return Performed(f"{environment} is protected by {counted(len(made.approvals), 'approval rule')}{dropped}")

    return Action(preview, read_state, perform)


async def responsibilities(session: Session, project: Project, rows: Sequence[LiveRow]) -> list[Responsibility]:
    """Who approved each version that serves, and on which evidence."""
    requests = await _decided_requests(session, project)
    return list(await asyncio.gather(*(_responsibility(session, project, row, requests) for row in rows)))


async def _responsibility(
    session: Session, project: Project, row: LiveRow, requests: dict[tuple[str, str, str], Responsibility]
) -> Responsibility:
    deployment = row.live.deployment
    if deployment is None:
        return Responsibility()
    _, given = await triggerer_and_votes(session.transport, project.ref, deployment.id)
    approved = [vote for vote in given if vote.decision is Decision.APPROVED]
    if approved:
        marks = [noted[0] for vote in approved if (noted := read_mark(vote.comment))]
        return Responsibility(tuple(vote.user.username for vote in approved), marks[-1] if marks else "")
    return requests.get((row.live.model, row.live.version or "", row.live.environment), Responsibility())


async def _decided_requests(session: Session, project: Project) -> dict[tuple[str, str, str], Responsibility]:
    """The newest request for each promotion, with those whose unedited notes approved it."""
    found: dict[tuple[str, str, str], Responsibility] = {}
    for issue in await list_requests(session.transport, project.ref, state="all"):
        request = issue.request
        place = (request.model, request.version, request.environment)
        if place in found:
            continue
        notes = await list_notes(session.transport, project.ref, issue.iid)
        voters = [
            note.author.username
            for note in notes
            if note.decision is not None
            and note.decision.decision is Decision.APPROVED
            and note.decision.evidence == request.evidence
            and note.updated_at == note.created_at
            and note.author.username not in {issue.author.username, request.requested_by}
        ]
        found[place] = Responsibility(tuple(dict.fromkeys(voters)), request.evidence)
    return found


def _refuse_powerless(project: Project) -> None:
    if not project.has_deployment_approvals:
        raise RefusedError(
            f"{project.ref.path} cannot protect environments",
            why="this GitLab's licence has no protected environments: what is stored would have no effect",
            remedy="Set approval: {mode: issue} in .gitlab/mlops.yml, which works everywhere",
        )
    if project.role < Role.MAINTAINER:
        role = project.role.title
        raise RefusedError("Protecting an environment needs the role Maintainer", why=f"yours is {role}")


async def _protection(session: Session, project: Project, name: str) -> ProtectedEnvironment | None:
    known = await list_protected(session.transport, project.ref)
    return next((item for item in known or () if item.name == name), None)


async def _required(session: Session, project: Project, text: str) -> RequiredApproval:
    who, _, count = text.rpartition(":") if ":" in text else (text, "", "1")
    if not (count.isascii() and count.isdigit() and 1 <= int(count) <= 5):
        raise UsageError(f"{text!r} is no approval rule", remedy="Write it like maintainer:2 or @ada, at most 5")
    return RequiredApproval(await _entry(session, project, who), int(count))


async def _entry(session: Session, project: Project, text: str) -> AccessEntry:
    if text.startswith("@"):
        members = await project_members(session.transport, project.ref)
        found = next((member.user for member in members if member.user.username == text[1:]), None)
        if found is None:
            raise UsageError(f"{text} is no member of {project.ref.path}")
        return AccessEntry(text, user_id=found.id)
    role = next((role for role in _PERMITTED if role.name.lower() == text.lower()), None)
    if role is None:
        known = ", ".join(item.name.lower() for item in _PERMITTED)
        raise UsageError(f"{text!r} names nobody", why=f"roles are {known}", remedy="Name a role, or a person as @USER")
    return AccessEntry(f"{role.title} and above", role)


def _names(entries: Sequence[AccessEntry]) -> str:
    return ", ".join(entry.name for entry in entries)
