"""Training a model again: what is known of each, the preview with its evidence, and the pipeline that trains."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from mlops_tui.domain.actions import (
    ActionKind,
    Change,
    Confirmation,
    ConfirmationKind,
    Intent,
    Preview,
    Receipt,
    Subject,
)
from mlops_tui.domain.alert_issues import Told, note_text
from mlops_tui.domain.api_calls import ApiCall
from mlops_tui.domain.canonical import JsonValue, digest, instant
from mlops_tui.domain.errors import MlopsError, RefusedError, RemoteError
from mlops_tui.domain.evidence_sheets import Observation, document
from mlops_tui.domain.models import ModelVersion
from mlops_tui.domain.monitored_metrics import MetricPoint
from mlops_tui.domain.policy import RetrainPolicy
from mlops_tui.domain.projects import Project, Role
from mlops_tui.domain.retraining import Objection, RetrainDecision, training_name
from mlops_tui.gitlab.evidence_sheets import store_call
from mlops_tui.gitlab.issues import note_call
from mlops_tui.gitlab.jobs import pipeline_jobs, play_call
from mlops_tui.gitlab.pipelines import create_call, declared_inputs, rename_call
from mlops_tui.operations.actions import (
    Action,
    Performed,
    Sender,
    State,
    mark_of,
    new_intent,
    refuse_when_read_only,
    run,
)
from mlops_tui.operations.models import read_version
from mlops_tui.operations.promotions import start_pipeline
from mlops_tui.operations.retrain_cases import decide_one, read_trainings, training_arguments
from mlops_tui.operations.session import Session

# What a person may overrule, having read it; that a training goes on already is not among it.
_REFUSING = frozenset({Objection.UNDER_WAY})


@dataclass(frozen=True, slots=True)
class Retrained:
    """What became of a training that was begun by itself: a receipt, or why nothing was sent."""

    decision: RetrainDecision
    receipt: Receipt | None
    refusal: str = ""


async def retrain_automatically(session: Session, decisions: Sequence[RetrainDecision]) -> AsyncIterator[Retrained]:
    """Begin every training that is due and that the policy lets begin without asking anybody.

    Only who was told to do so may call this: ``retrain --check`` and ``alerts watch``.
    """
    for decision in decisions:
        if not decision.is_automatic:
            continue
        try:
            project = await session.directory.project(decision.case.project)
            action = await prepare_retraining(session, project, decision.case.model, decision=decision)
            yield Retrained(decision, await run(session, action, ""))
        except MlopsError as error:
            yield Retrained(decision, None, str(error))


async def prepare_retraining(
    session: Session, project: Project, model: str, reason: str = "", *, decision: RetrainDecision | None = None
) -> Action:
    """Preview a training with the reason and the evidence that it is begun with; nothing is sent.

    ``decision`` is what the fleet as a whole decided, None to decide about this model now. Raises RefusedError where
    the policy names no training job, and while a training goes on.
    """
    refuse_when_read_only(session)
    await session.identify()
    judged = decision or await decide_one(session, project, model)
    if judged.objection in _REFUSING:
        raise RefusedError(
            f"{model} is not trained again", why=judged.reason, remedy="Wait for its end, or cancel it in GitLab"
        )
    version = await _live_version(session, project, judged)
    expected = await _state(session, project, judged)
    subject = Subject(session.context.origin, project.ref.path, model)
    why = reason or (judged.reason if judged.is_due else f"{session.username} asked for it")
    intent = new_intent(session, ActionKind.RETRAIN, subject, expected, why)
    sheet = await _sheet(session, project, judged, intent)
    calls = await _calls(session, project, judged, intent, version, sheet)
    preview = Preview(
        intent=intent,
        title=f"Train {model} again",
        calls=calls.all,
        changes=tuple(_changes(judged, intent)),
        confirmation=Confirmation(ConfirmationKind.YES),
        is_production=False,
        obstacles=tuple(_obstacles(project, judged)),
        gaps=_gaps(judged, version),
    )

    async def read_state() -> State:
        return await _state(session, project, judged)

    async def perform(sender: Sender) -> Performed:
        return await _perform(sender, project, judged.case.policy, calls)

    return Action(preview, read_state, perform)


@dataclass(frozen=True, slots=True)
class _Calls:
    """The calls in their order: only those that start the pipeline make the training."""

    storing: tuple[ApiCall, ...]
    starting: tuple[ApiCall, ...]
    telling: tuple[ApiCall, ...]

    @property
    def all(self) -> tuple[ApiCall, ...]:
        return (*self.storing, *self.starting, *self.telling)


async def _state(session: Session, project: Project, decision: RetrainDecision) -> dict[str, JsonValue]:
    model = decision.case.model
    trainings = await read_trainings(session, project, model, session.clock.now() - timedelta(days=2))
    policy = await session.policy(project)
    return {
        "trainings under way": [item.pipeline_id for item in trainings if item.is_under_way],
        "policy commit": policy.commit,
        "live version": decision.case.live_version,
    }


async def _live_version(session: Session, project: Project, decision: RetrainDecision) -> ModelVersion | None:
    number = decision.case.live_version
    return await read_version(session, project, decision.case.model, number) if number else None


async def _sheet(session: Session, project: Project, decision: RetrainDecision, intent: Intent) -> dict[str, JsonValue]:
    """The evidence as it is kept: who was trained again, why, and which windows say so."""
    case, evidence = decision.case, decision.evidence
    now = session.clock.now()
    subject: dict[str, JsonValue] = {
        "action": "retrain",
        "project": case.project,
        "model": case.model,
        "live version": case.live_version,
        "live since": instant(case.live_since) if case.live_since else None,
        "intent": intent.id,
        "by": intent.by,
        "reason": intent.reason,
        "policy commit": (await session.policy(project)).commit,
    }
    windows: list[JsonValue] = []
    if evidence is not None:
        subject["alert"] = evidence.alert.fingerprint
        subject["figure"] = evidence.alert.rule.metric
        subject["limit"] = evidence.alert.limit
        subject["p_value"] = evidence.p_value
        windows = [
            {
                "start": instant(item.start),
                "end": instant(item.end),
                "value": item.value,
                "n": item.n,
                "p": item.p_value,
            }
            for item in evidence.points
        ]
    fleet = f"false discoveries are controlled over {decision.tested} models"
    told = Observation("windows", now, evidence is not None, decision.reason or fleet, windows)
    trainings: list[JsonValue] = [item.pipeline_id for item in case.trainings]
    earlier = Observation("trainings of thirty days", now, True, f"{len(trainings)} trainings", trainings)
    return document(subject, (told, earlier, Observation("fleet", now, True, fleet, decision.tested)))


def _window(point: MetricPoint) -> dict[str, JsonValue]:
    return {
        "start": instant(point.start),
        "end": instant(point.end),
        "value": point.value,
        "n": point.n,
        "p_value": point.p_value,
    }


async def _calls(
    session: Session,
    project: Project,
    decision: RetrainDecision,
    intent: Intent,
    version: ModelVersion | None,
    sheet: dict[str, JsonValue],
) -> _Calls:
    case = decision.case
    policy = case.policy
    evidence = digest(sheet["subject"])
    ref = policy.ref or project.default_branch
    values = {"model": case.model, "intent": intent.id, "reason": intent.reason[:1_000], "evidence": evidence}
    arguments = training_arguments(policy, await declared_inputs(session.transport, project.ref, ref), values)
    starting = (
        create_call(project.ref, ref, arguments.inputs, arguments.variables, "start the training pipeline"),
        rename_call(project.ref, training_name(case.model, mark_of(intent)), "name it, so that it is found again"),
    )
    storing: tuple[ApiCall, ...] = ()
    if version is not None and project.role >= Role.DEVELOPER:
        storing = (store_call(project.ref, version.id, evidence, sheet),)
    issue = decision.evidence.alert.issue if decision.evidence else None
    telling: tuple[ApiCall, ...] = ()
    if decision.evidence is not None and issue is not None:
        text = f"{intent.reason}\nevidence sha256:{evidence}"
        note = note_text(decision.evidence.alert, Told.RETRAINED, intent.id, text)
        telling = (note_call(project.ref, issue.iid, note, "tell the alert's issue"),)
    return _Calls(storing, starting, telling)


async def _perform(sender: Sender, project: Project, policy: RetrainPolicy, calls: _Calls) -> Performed:
    """Start the training; what belongs to it and fails is told, since the training does not rest on it."""
    said = await _sent(sender, calls.storing, "the evidence could not be kept with the version")
    started = await start_pipeline(sender, project, calls.starting)
    pipeline_id = int(str(started.followed["pipeline"]))
    said += await _played(sender, project, policy, pipeline_id)
    said += await _sent(sender, calls.telling, "the alert's issue was not told")
    return Performed(started.message + said, started.links, started.followed)


async def _sent(sender: Sender, calls: Sequence[ApiCall], failure: str) -> str:
    for call in calls:
        try:
            await sender.send(call)
        except RemoteError as error:
            return f", but {failure}: {error.why or error.what}"
    return ""


async def _played(sender: Sender, project: Project, policy: RetrainPolicy, pipeline_id: int) -> str:
    """Start the training job where it waits for somebody to do so."""
    session = sender.session
    try:
        jobs = await pipeline_jobs(session.transport, project.ref, pipeline_id)
    except RemoteError:
        return ""
    job = next((item for item in jobs if item.name == policy.job), None)
    if job is None:
        return f", but it has no job {policy.job}"
    if not (policy.play and job.status.waits_for_a_person):
        return ""
    failure = f"the job {job.name} waits to be started"
    return await _sent(sender, (play_call(project.ref, job.id, job.name),), failure)


def _changes(decision: RetrainDecision, intent: Intent) -> list[Change]:
    case = decision.case
    spent = len(case.trainings)
    return [
        Change("why", "", intent.reason or "no reason given"),
        Change("live version", case.live_version or "none known", "stays until another is promoted"),
        Change("job", "", case.policy.job),
        Change("trainings of thirty days", str(spent), f"{spent + 1} of {case.policy.budget_per_month}"),
    ]


def _obstacles(project: Project, decision: RetrainDecision) -> list[str]:
    found: list[str] = []
    if project.role < Role.DEVELOPER:
        found.append(f"Starting a pipeline needs the role Developer, and yours is {project.role.title}")
    if decision.objection is not None:
        found.append(f"By itself it would not be trained now: {decision.reason}")
    return found


def _gaps(decision: RetrainDecision, version: ModelVersion | None) -> tuple[str, ...]:
    gaps = () if decision.evidence else ("No alert's windows are attached",)
    return gaps if version is not None else (*gaps, "No live version is known, so the evidence is kept in the journal")
