"""Evidence sheets: everything a decision is made on, read once and frozen."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from mlops_tui.domain.actions import Change
from mlops_tui.domain.approvals import Approval, ApprovalId, ApprovalKind
from mlops_tui.domain.canonical import JsonValue, digest, instant
from mlops_tui.domain.cards import CardReport, card_changes, check_card
from mlops_tui.domain.deployments import live_version
from mlops_tui.domain.errors import MlopsError, RemoteError, UsageError
from mlops_tui.domain.evidence_sheets import Keeping, Observation, document
from mlops_tui.domain.jobs import Job
from mlops_tui.domain.lineage import LineageNode
from mlops_tui.domain.models import Model, ModelVersion
from mlops_tui.domain.policy import Evidence, ModelPolicy
from mlops_tui.domain.projects import Project, Role
from mlops_tui.domain.snapshots import Snapshot
from mlops_tui.domain.text import clean_log
from mlops_tui.gitlab.jobs import job_log, pipeline_jobs
from mlops_tui.operations.alert_evidence import alert_observation
from mlops_tui.operations.approvals import find_with_surroundings
from mlops_tui.operations.evidence import VersionEvidence, compare_evidence, read_evidence
from mlops_tui.operations.lineage import lineage_of
from mlops_tui.operations.models import find_version
from mlops_tui.operations.session import Session
from mlops_tui.operations.surroundings import Surroundings
from mlops_tui.operations.trial_evidence import Trials, trials_of

_LOG_TAIL = 20


@dataclass(frozen=True, slots=True)
class EvidenceSheet:
    """What was seen when it was opened.

    ``digest`` names the ``subject``. ``guard`` is what must still hold when the decision is sent: the subject and,
    where votes are not part of it, the votes. ``evidence`` is None where no version is known; ``live`` is the version
    that serves there now, empty where none does or it is this one.
    """

    approval: Approval
    subject: Mapping[str, JsonValue]
    guard: Mapping[str, JsonValue]
    digest: str
    observations: tuple[Observation, ...]
    changes: tuple[Change, ...]
    evidence: VersionEvidence | None
    live: str
    lineage: LineageNode | None
    card: CardReport | None
    card_changes: tuple[str, ...]
    jobs: tuple[Job, ...]
    log_tail: tuple[str, ...]
    keeping: Keeping
    gaps: tuple[str, ...]

    @property
    def document(self) -> dict[str, JsonValue]:
        """The sheet as it is kept."""
        return document(self.subject, self.observations)

    @property
    def is_current(self) -> bool:
        """Whether a request still rests on the evidence that it names; always so for anything else."""
        return self.approval.id.kind is not ApprovalKind.ISSUE or self.approval.evidence == self.digest


@dataclass(frozen=True, slots=True)
class _Facts:
    """What a subject is made of, read again before every decision."""

    approval: Approval
    around: Surroundings
    model: Model | None
    version: ModelVersion | None
    evidence: VersionEvidence | None

    @property
    def policy(self) -> ModelPolicy:
        return self.around.policy.for_model(self.approval.model)


async def open_sheet(session: Session, approval_id: ApprovalId) -> Snapshot[EvidenceSheet]:
    """Read everything about one approval now."""
    facts = await _facts(session, approval_id)
    approval = facts.approval
    live, lineage, (jobs, tail), trials, alerts = await asyncio.gather(
        _live_evidence(session, facts),
        _lineage(session, facts),
        _pipeline(session, approval),
        trials_of(session, facts.around.project, facts.policy, facts.version, approval.environment),
        alert_observation(session, facts.around.project, approval.model),
    )
    subject, guard = _subject(facts)
    card = check_card(facts.version.card) if facts.version else None
    before = live.version.card if live else ""
    changes = compare_evidence(live, facts.evidence) if facts.evidence else ()
    sheet = EvidenceSheet(
        approval=approval,
        subject=subject,
        guard=guard,
        digest=digest(subject),
        observations=(*_observations(session, facts, live, changes, card, lineage, jobs, trials), alerts),
        changes=changes,
        evidence=facts.evidence,
        live=live.version.version if live else "",
        lineage=lineage,
        card=card,
        card_changes=card_changes(before, facts.version.card) if facts.version and live else (),
        jobs=jobs,
        log_tail=tail,
        keeping=_keeping(facts),
        gaps=tuple(_gaps(facts, card, trials)),
    )
    return session.snapshot(sheet)


async def read_guard(session: Session, approval_id: ApprovalId) -> Mapping[str, JsonValue]:
    """What a decision rests on, as it is now."""
    return _subject(await _facts(session, approval_id))[1]


def version_subject(
    project: Project, evidence: VersionEvidence, environment: str, policy_commit: str
) -> dict[str, JsonValue]:
    """What a version is, for a promotion: the same for everybody who may see all of it."""
    version, run = evidence.version, evidence.run
    return {
        "project": project.ref.path,
        "model": version.model,
        "version": version.version,
        "version id": version.id,
        "run": version.run_id,
        "commit": run.commit_sha if run else None,
        "artifacts": {item.path: item.sha256 for item in evidence.artifacts},
        "params": dict(run.params) if run else {},
        "metrics": dict(run.metrics) if run else {},
        "environment": environment,
        "policy commit": policy_commit,
    }


def evidence_lines(sheet_changes: tuple[Change, ...], gaps: tuple[str, ...], card: CardReport | None) -> Iterator[str]:
    """The evidence as plain lines, for the body of a request."""
    for change in sheet_changes:
        verdict = {True: "  better", False: "  worse", None: ""}[change.is_better]
        yield f"{change.label}: {change.before or '-'} -> {change.after}{verdict}"
    if card is not None:
        yield f"card: {card.summary}"
    for gap in gaps:
        yield f"missing: {gap}"


async def _facts(session: Session, approval_id: ApprovalId) -> _Facts:
    approval, around = await find_with_surroundings(session, approval_id)
    model = version = evidence = None
    if approval.model and approval.version:
        try:
            model, version = await find_version(session, around.project, approval.model, approval.version)
            evidence = await read_evidence(session, version)
        except (UsageError, RemoteError):
            model = version = evidence = None
    return _Facts(approval, around, model, version, evidence)


def _subject(facts: _Facts) -> tuple[dict[str, JsonValue], dict[str, JsonValue]]:
    approval = facts.approval
    votes: list[JsonValue] = [
        {"user": vote.user.username, "decision": vote.decision.value, "at": instant(vote.at), "rule": vote.rule}
        for vote in approval.votes
    ]
    standing: dict[str, JsonValue] = {
        "approval": str(approval.id),
        "state": approval.state.value,
        "sha": approval.sha,
        "pipeline": approval.pipeline_id,
        "deployment": approval.deployment_id,
        "rules": [{"name": rule.name, "required": rule.required} for rule in approval.rules],
        "votes": votes,
    }
    commit = facts.around.policy.commit
    version: dict[str, JsonValue] = (
        version_subject(facts.around.project, facts.evidence, approval.environment, commit)
        if facts.evidence
        else {"project": facts.around.project.ref.path, "environment": approval.environment, "policy commit": commit}
    )
    if approval.id.kind is ApprovalKind.ISSUE:
        return version, {**version, **standing, "requested evidence": approval.evidence}
    return {**version, **standing}, {**version, **standing}


async def _live_evidence(session: Session, facts: _Facts) -> VersionEvidence | None:
    """The evidence of the version that serves there now, None where none does or it is this very one."""
    approval = facts.approval
    if facts.model is None or not approval.environment:
        return None
    live = live_version(facts.around.delivery.deployments, approval.model, approval.environment)
    record = next((item for item in facts.model.versions if item.version == live.version), None)
    if record is None or record.version == approval.version:
        return None
    return await read_evidence(session, record)


async def _lineage(session: Session, facts: _Facts) -> LineageNode | None:
    if facts.version is None:
        return None
    try:
        return await lineage_of(session, facts.version, facts.around.delivery)
    except MlopsError:
        return None


async def _pipeline(session: Session, approval: Approval) -> tuple[tuple[Job, ...], tuple[str, ...]]:
    """The jobs of the pipeline that waits, and the end of the log of the last one that ran."""
    if approval.pipeline_id is None:
        return (), ()
    project = approval.project.ref
    try:
        jobs = tuple(await pipeline_jobs(session.transport, project, approval.pipeline_id))
        ran = [job for job in jobs if job.status.is_finished]
        log = await job_log(session.transport, project, ran[-1].id) if ran else ""
    except RemoteError:
        return (), ()
    return jobs, clean_log(log).lines[-_LOG_TAIL:]


def _keeping(facts: _Facts) -> Keeping:
    may_store = facts.version is not None and facts.around.project.role >= Role.DEVELOPER
    return Keeping.PACKAGE if may_store else Keeping.JOURNAL


def _gaps(facts: _Facts, card: CardReport | None, trials: Trials) -> Iterator[str]:
    if facts.evidence is None:
        if facts.approval.environment:
            yield "Nothing names the model version, so there is no evidence about it"
        return
    yield from facts.evidence.gaps
    for asked in facts.policy.approval.evidence:
        match asked:
            case Evidence.CARD if card is not None and card.missing:
                yield f"The policy asks for a card, and this one lacks {', '.join(card.missing)}"
            case Evidence.METRICS if not facts.evidence.metrics:
                yield "The policy asks for metrics, and the run has none"
            case _ if gap := trials.gap(asked):
                yield gap
            case _:
                pass


def _observations(
    session: Session,
    facts: _Facts,
    live: VersionEvidence | None,
    changes: tuple[Change, ...],
    card: CardReport | None,
    lineage: LineageNode | None,
    jobs: tuple[Job, ...],
    trials: Trials,
) -> Iterator[Observation]:
    now = session.clock.now()
    if facts.evidence is not None:
        said = [
            {"label": item.label, "before": item.before, "after": item.after, "better": item.is_better}
            for item in changes
        ]
        against = f"against {live.version.version}" if live else "nothing comparable serves there"
        yield Observation("changes", now, True, against, said)
    if card is not None:
        missing: list[JsonValue] = [field.value for field in card.missing]
        yield Observation("card", now, True, card.summary, {"missing": missing})
    if lineage is not None:
        yield Observation("lineage", now, True, lineage.title, _tree(lineage))
    if jobs:
        yield Observation("pipeline", now, True, f"{len(jobs)} jobs", {job.name: job.status.value for job in jobs})
    yield from trials.observations(now)


def _tree(node: LineageNode) -> dict[str, JsonValue]:
    return {
        "kind": node.kind.value,
        "title": node.title,
        "missing": node.is_missing,
        "children": [_tree(child) for child in node.children],
    }
