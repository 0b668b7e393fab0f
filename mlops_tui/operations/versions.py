"""Versions: look at one with its evidence, make one from a run, edit a card, delete a version or a model."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from mlops_tui.domain.actions import ActionKind, Change, Confirmation, ConfirmationKind, Preview, Subject
from mlops_tui.domain.api_calls import ApiCall
from mlops_tui.domain.canonical import JsonValue, digest
from mlops_tui.domain.errors import RefusedError, UsageError
from mlops_tui.domain.models import Model, ModelVersion
from mlops_tui.domain.runs import Run
from mlops_tui.domain.snapshots import Snapshot
from mlops_tui.domain.versions import parse_version
from mlops_tui.gitlab import models as registry
from mlops_tui.gitlab.runs import get_run
from mlops_tui.operations.actions import Action, Performed, Sender, State, new_intent, refuse_when_read_only
from mlops_tui.operations.evidence import VersionEvidence, read_evidence
from mlops_tui.operations.models import ModelSummary, find_model, find_version, version_of
from mlops_tui.operations.session import Session

CARD_LIMIT = 10_000


@dataclass(frozen=True, slots=True)
class VersionPage:
    """A version with its model and what speaks for it."""

    summary: ModelSummary
    evidence: VersionEvidence

    @property
    def version(self) -> ModelVersion:
        """The version itself."""
        return self.evidence.version


async def show_version(session: Session, name: str, number: str) -> Snapshot[VersionPage]:
    """One version of a model as ``find_model`` finds it; raises UsageError for a version that does not exist."""
    summary = await find_model(session, name)
    evidence = await read_evidence(session, version_of(summary.model, number))
    return session.snapshot(VersionPage(summary, evidence))


async def prepare_version(session: Session, name: str, run: Run, number: str, card: str) -> Action:
    """Preview making a version of a model from a run; an empty ``number`` leaves it to GitLab.

    Raises UsageError for a number that is no semantic version, is taken, or for a card over 10,000 characters.
    """
    await _begin(session, card)
    summary = await find_model(session, name)
    model, project = summary.model, summary.project
    if number and parse_version(number) is None:
        raise UsageError(f"{number} is no semantic version", remedy="Write it like 1.2.0 or 1.2.0-rc.1")
    if number in {item.version for item in model.versions}:
        raise UsageError(f"{model.name} has a version {number} already", remedy="Choose another number")

    async def read_state() -> State:
        fresh = (await find_model(session, summary.name)).model
        current = await get_run(session.transport, project.ref, run.id)
        return {"run id": current.id, "experiment": current.experiment_iid, "versions": _numbers(fresh)}

    changes = (
        Change("version", model.latest.version if model.latest else "none", number or "the next patch number"),
        Change("run", run.experiment or f"experiment {run.experiment_iid}", f"moves into [model]{model.name}"),
    )
    call = registry.create_version_call(project.ref, model.name, number, run.id, card)
    title = f"Make {model.name} {number or 'the next version'} from the run {run.name or run.id}"
    subject = Subject(session.context.origin, project.ref.path, model.name, number)
    return await _action(session, ActionKind.CREATE_VERSION, subject, title, call, changes, read_state)


async def prepare_card(session: Session, name: str, number: str, card: str) -> Action:
    """Preview replacing a card: of a version, or of the model when ``number`` is empty."""
    await _begin(session, card)
    summary = await find_model(session, name)
    before, call = await _card_call(session, summary, number, card)
    if before == card:
        raise RefusedError("The card is already so", remedy="There is nothing to change")

    async def read_state() -> State:
        current, _ = await _card_call(session, await find_model(session, summary.name), number, card)
        return {"card": digest(current)}

    changes = (Change("card", f"{len(before)} characters", f"{len(card)} characters"),)
    title = f"Edit the card of {summary.model.name} {number}".rstrip()
    subject = Subject(session.context.origin, summary.project.ref.path, summary.model.name, number)
    return await _action(session, ActionKind.EDIT_CARD, subject, title, call, changes, read_state)


async def prepare_version_deletion(session: Session, name: str, number: str) -> Action:
    """Preview deleting a version with its files; refused while it is live anywhere."""
    await _begin(session)
    summary = await find_model(session, name)
    _refuse_live(summary.live_in(number), f"{summary.model.name} {number}")
    _, version = await find_version(session, summary.project, summary.model.name, number)

    async def read_state() -> State:
        fresh = await find_model(session, summary.name)
        return {"version id": _id_of(fresh, number), "live in": list(fresh.live_in(number))}

    changes = (Change("version", number, "gone"), Change("files", str(version.artifact_count or 0), "gone"))
    subject = Subject(session.context.origin, summary.project.ref.path, summary.model.name, number)
    call = registry.delete_version_call(version)
    title = f"Delete {summary.model.name} {number}"
    return await _action(session, ActionKind.DELETE_VERSION, subject, title, call, changes, read_state, typed=True)


async def prepare_model_deletion(session: Session, name: str) -> Action:
    """Preview deleting a model with all its versions; refused while any is live."""
    await _begin(session)
    summary = await find_model(session, name)
    _refuse_live(tuple(row.live.environment for row in summary.live), summary.model.name)

    async def read_state() -> State:
        fresh = await find_model(session, summary.name)
        return {"model id": fresh.model.id, "versions": _numbers(fresh.model), "live": len(fresh.live)}

    changes = (Change("versions", str(len(summary.model.versions)), "gone"),)
    subject = Subject(session.context.origin, summary.project.ref.path, summary.model.name)
    call = registry.delete_model_call(summary.model)
    title = f"Delete the model {summary.model.name}"
    return await _action(session, ActionKind.DELETE_MODEL, subject, title, call, changes, read_state, typed=True)


async def _begin(session: Session, card: str = "") -> None:
    refuse_when_read_only(session)
    if len(card) > CARD_LIMIT:
        raise UsageError(
            "The card is too long", why=f"it has {len(card)} characters, GitLab keeps {CARD_LIMIT}", remedy="Shorten it"
        )
    await session.identify()


async def _card_call(session: Session, summary: ModelSummary, number: str, card: str) -> tuple[str, ApiCall]:
    if not number:
        return summary.model.card, registry.edit_model_call(summary.model, card)
    _, version = await find_version(session, summary.project, summary.model.name, number)
    return version.card, registry.edit_version_call(summary.model, number, card)


async def _action(
    session: Session,
    kind: ActionKind,
    subject: Subject,
    title: str,
    call: ApiCall,
    changes: tuple[Change, ...],
    read_state: Callable[[], Awaitable[State]],
    *,
    typed: bool = False,
) -> Action:
    intent = new_intent(session, kind, subject, await read_state())
    confirmation = (
        Confirmation(ConfirmationKind.TYPE_NAME, subject.model) if typed else Confirmation(ConfirmationKind.YES)
    )
    preview = Preview(intent, title, (call,), changes, confirmation, is_production=False)

    async def perform(sender: Sender) -> Performed:
        answer = await sender.send(call)
        registry.refuse_errors(answer.body, title)
        return Performed(f"{title}: done", (f"{session.context.url}/{subject.project}/-/ml/models",))

    return Action(preview, read_state, perform)


def _refuse_live(environments: tuple[str, ...], what: str) -> None:
    if environments:
        raise RefusedError(
            f"{what} is not deleted",
            why=f"it is live in {', '.join(environments)}",
            remedy="Promote another version there first",
        )


def _numbers(model: Model) -> list[JsonValue]:
    return [item.version for item in model.versions]


def _id_of(summary: ModelSummary, number: str) -> int | None:
    version: ModelVersion | None = next((item for item in summary.model.versions if item.version == number), None)
    return version.id if version else None
