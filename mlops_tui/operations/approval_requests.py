"""Asking for a promotion in an issue, and whether one was granted: the way where GitLab approves no deployments."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from mlops_tui.domain.actions import ActionKind, Change, Confirmation, ConfirmationKind, Intent, Preview, Subject
from mlops_tui.domain.api_calls import ApiCall
from mlops_tui.domain.canonical import JsonValue, digest
from mlops_tui.domain.cards import check_card
from mlops_tui.domain.deployments import live_version
from mlops_tui.domain.errors import RefusedError, RemoteError
from mlops_tui.domain.evidence_sheets import Observation, document
from mlops_tui.domain.marked_texts import fenced
from mlops_tui.domain.policy import ApprovalMode
from mlops_tui.domain.projects import Project, Role
from mlops_tui.domain.promotion_requests import PENDING, PromotionRequest, labels, request_text
from mlops_tui.gitlab.evidence_sheets import store_call
from mlops_tui.gitlab.issues import create_call, written_issue
from mlops_tui.operations.actions import Action, Performed, Sender, State, new_intent, refuse_when_read_only
from mlops_tui.operations.evidence import VersionEvidence, compare_evidence, read_evidence
from mlops_tui.operations.evidence_sheets import evidence_lines, version_subject
from mlops_tui.operations.models import find_version
from mlops_tui.operations.promotion_requests import CountedRequest, find_request, is_granted
from mlops_tui.operations.session import Session
from mlops_tui.operations.surroundings import Surroundings, approval_way, read_surroundings


@dataclass(frozen=True, slots=True)
class Grant:
    """How far the approval of one promotion has come; ``request`` is None while nobody asked."""

    evidence: str
    request: CountedRequest | None

    @property
    def is_given(self) -> bool:
        """Whether the promotion may go on."""
        return self.request is not None and is_granted(self.request, self.evidence)

    @property
    def is_rejected(self) -> bool:
        """Whether somebody said no."""
        return self.request is not None and bool(self.request.tally.rejections)

    @property
    def sentence(self) -> str:
        """Where it stands, without a full stop."""
        if self.request is None:
            return "nobody asked for it yet"
        where = f"request {self.request.issue.web_url}"
        if self.request.issue.request.evidence != self.evidence:
            return f"{where} rests on other evidence than there is now"
        if self.is_rejected:
            return f"{where} was rejected"
        missing = self.request.missing
        return f"{where} waits for {missing} more approvals" if missing else f"{where} has every approval"


@dataclass(frozen=True, slots=True)
class _Plan:
    around: Surroundings
    evidence: VersionEvidence
    live: VersionEvidence | None
    environment: str

    @property
    def subject(self) -> dict[str, JsonValue]:
        return version_subject(self.around.project, self.evidence, self.environment, self.around.policy.commit)


async def needed_grant(
    session: Session, project: Project, evidence: VersionEvidence, environment: str, *, is_production: bool
) -> Grant | None:
    """The approval that a promotion needs from issues; None where the policy asks for none there.

    Only production needs one: a policy speaks of the way to production.
    """
    policy = await session.policy(project)
    model = evidence.version.model
    is_asked = model in policy.models and approval_way(project, policy.for_model(model).approval) is ApprovalMode.ISSUE
    if not is_production or not is_asked:
        return None
    around = await read_surroundings(session, project)
    subject = version_subject(project, evidence, environment, policy.commit)
    request = await find_request(session, around, model, evidence.version.version, environment)
    return Grant(digest(subject), request)


async def read_grant(session: Session, project: Project, model: str, version: str, environment: str) -> Grant | None:
    """Where the approval of a promotion stands; None where it needs none from issues."""
    around = await read_surroundings(session, project)
    _, record = await find_version(session, project, model, version)
    evidence = await read_evidence(session, record)
    is_production = around.is_production(session, environment, model)
    return await needed_grant(session, project, evidence, environment, is_production=is_production)


async def prepare_request(session: Session, project: Project, model: str, version: str, environment: str) -> Action:
    """Preview an issue that asks for the promotion, with the evidence in its body; nothing is sent.

    Raises RefusedError when one is open already for the same evidence.
    """
    refuse_when_read_only(session)
    me = await session.identify()
    plan = await _plan(session, project, model, version, environment)
    evidence = digest(plan.subject)
    await _refuse_second(session, plan, evidence)
    subject = Subject(session.context.origin, project.ref.path, model, version, environment)
    intent = new_intent(session, ActionKind.REQUEST_APPROVAL, subject, plan.subject)
    request = PromotionRequest(model, version, environment, evidence, me.username, intent.id, plan.around.policy.commit)
    calls = _calls(session, plan, request)
    preview = _preview(session, plan, intent, calls)

    async def read_state() -> State:
        return (await _plan(session, project, model, version, environment)).subject

    async def perform(sender: Sender) -> Performed:
        said = ""
        *storing, asking = calls
        for call in storing:
            try:
                await sender.send(call)
            except RemoteError as error:
                said = f". The evidence sheet could not be kept with the version: {error.why or error.what}"
        iid, page = written_issue((await sender.send(asking)).body)
        followed: dict[str, JsonValue] = {"approval": f"issue:{project.ref.id}:{iid}"}
        return Performed(f"Issue {iid} asks for the promotion{said}", (page,), followed)

    return Action(preview, read_state, perform)


async def _plan(session: Session, project: Project, model: str, version: str, environment: str) -> _Plan:
    around, (record_model, record) = await asyncio.gather(
        read_surroundings(session, project), find_version(session, project, model, version)
    )
    live = live_version(around.delivery.deployments, model, environment)
    serving = next((item for item in record_model.versions if item.version == live.version), None)
    return _Plan(
        around,
        await read_evidence(session, record),
        await read_evidence(session, serving) if serving and serving.version != version else None,
        environment,
    )


async def _refuse_second(session: Session, plan: _Plan, evidence: str) -> None:
    version = plan.evidence.version
    found = await find_request(session, plan.around, version.model, version.version, plan.environment)
    if found is not None and found.issue.request.evidence == evidence:
        raise RefusedError(
            f"{found.issue.request.title} was asked for already",
            why=f"issue {found.issue.iid} rests on the same evidence and is open",
            remedy=f"See {found.issue.web_url}",
        )


def _calls(session: Session, plan: _Plan, request: PromotionRequest) -> tuple[ApiCall, ...]:
    project = plan.around.project
    card = check_card(plan.evidence.version.card)
    changes = compare_evidence(plan.live, plan.evidence)
    against = f"Against {plan.live.version.version}, which is live now" if plan.live else "Nothing known serves there"
    text = fenced("\n".join((against, *evidence_lines(changes, plan.evidence.gaps, card))))
    label = labels(scoped=project.has_deployment_approvals)[PENDING]
    asking = create_call(project.ref, request.title, request_text(request, text), [label])
    if project.role < Role.DEVELOPER:
        return (asking,)
    now = session.clock.now()
    differences: list[JsonValue] = [f"{item.label}: {item.before} -> {item.after}" for item in changes]
    observations = (
        Observation("card", now, True, card.summary),
        Observation("changes", now, True, against, differences),
    )
    sheet = document(plan.subject, observations)
    return store_call(project.ref, plan.evidence.version.id, request.evidence, sheet), asking


def _preview(session: Session, plan: _Plan, intent: Intent, calls: tuple[ApiCall, ...]) -> Preview:
    subject = intent.subject
    policy = plan.around.policy.for_model(subject.model).approval
    changes = (
        Change("request", "none", f"an issue; {policy.votes} votes of {policy.minimum_role.title} and above"),
        *compare_evidence(plan.live, plan.evidence),
    )
    return Preview(
        intent=intent,
        title=f"Ask for {subject.model} {subject.version} in {subject.environment}",
        calls=calls,
        changes=changes,
        confirmation=Confirmation(ConfirmationKind.YES),
        is_production=plan.around.is_production(session, subject.environment, subject.model),
        gaps=plan.evidence.gaps,
    )
