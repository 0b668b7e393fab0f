"""Settle actions whose outcome is unknown, after a crash or a lost answer, by asking GitLab what came of them.

A started pipeline carries the intent in its name. Where the crash came before the name, what counts is who made it,
how, and when: exactly one match means done, none means not done, several are left for a person to decide.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import assert_never

from mlops_tui.domain.actions import ActionKind, Intent, Outcome, Receipt
from mlops_tui.domain.api_calls import ApiCall
from mlops_tui.domain.canonical import instant
from mlops_tui.domain.journal import JournalEntry
from mlops_tui.domain.models import Model
from mlops_tui.domain.projects import Project
from mlops_tui.gitlab.deployments import list_deployments
from mlops_tui.gitlab.models import list_models, list_versions
from mlops_tui.gitlab.pipelines import list_pipelines
from mlops_tui.operations.alert_reconciliation import traces_of_alert
from mlops_tui.operations.decision_reconciliation import (
    traces_of_decision,
    traces_of_protection,
    traces_of_request,
    traces_of_stop,
)
from mlops_tui.operations.rollouts.reconciliation import settle_rollout
from mlops_tui.operations.session import Session
from mlops_tui.operations.stored_files import traces_of_storing
from mlops_tui.storage.journal_entries import calls_of, intent_of, reconciliation_draft

_LOOK_BACK = 200


async def reconcile(session: Session) -> tuple[Receipt, ...]:
    """Ask about every unsettled intent of this GitLab and write down what was found; those still unknown too."""
    await session.identify()
    receipts: list[Receipt] = []
    for entry in await asyncio.to_thread(session.journal.unsettled):
        intent = intent_of(entry)
        if intent.subject.host != session.context.origin:
            continue
        receipt = await _settle(session, entry, intent)
        if receipt.outcome is not Outcome.UNKNOWN:
            await session.journal.append(reconciliation_draft(receipt))
        receipts.append(receipt)
    return tuple(receipts)


async def _settle(session: Session, entry: JournalEntry, intent: Intent) -> Receipt:
    project = await session.directory.project(intent.subject.project)
    calls = calls_of(entry)
    match intent.kind:
        case ActionKind.RETRAIN:
            return await _settle_pipeline(session, project, intent, calls)
        case ActionKind.ESCALATE_ALERT | ActionKind.ACKNOWLEDGE_ALERT | ActionKind.SILENCE_ALERT:
            return _found(intent, *await traces_of_alert(session, project, intent))
        case ActionKind.PROMOTE | ActionKind.ROLL_BACK:
            if calls and calls[0].path.endswith("/retry"):
                return await _settle_retry(session, project, intent)
            return await _settle_pipeline(session, project, intent, calls)
        case ActionKind.CREATE_VERSION:
            models = await _versions_of(session, project, intent.subject.model)
            run_id = intent.expected.get("run id")
            made = [item for model in models for item in model.versions if item.run_id == run_id]
            return _found(intent, [f"version {item.version}" for item in made], ())
        case ActionKind.EDIT_CARD:
            models = await _versions_of(session, project, intent.subject.model)
            return _found(intent, ["the new card"] if _has_card(models, intent, calls) else [], ())
        case ActionKind.DELETE_VERSION | ActionKind.DELETE_MODEL:
            models = await _versions_of(session, project, intent.subject.model)
            return _found(intent, [] if _exists(models, intent) else ["it is gone"], ())
        case ActionKind.APPROVE | ActionKind.REJECT | ActionKind.COMMENT:
            return _found(intent, await traces_of_decision(session, project, intent, calls), ())
        case ActionKind.REQUEST_APPROVAL:
            return _found(intent, *await traces_of_request(session, project, intent))
        case ActionKind.PROTECT:
            return _found(intent, await traces_of_protection(session, project, intent), ())
        case ActionKind.STOP_ENVIRONMENT:
            return _found(intent, await traces_of_stop(session, project, intent), ())
        case (
            ActionKind.START_ROLLOUT
            | ActionKind.ADVANCE_ROLLOUT
            | ActionKind.HOLD_ROLLOUT
            | ActionKind.RESUME_ROLLOUT
            | ActionKind.ABORT_ROLLOUT
            | ActionKind.FINISH_ROLLOUT
        ):
            return await settle_rollout(session, project, intent, calls)
        case ActionKind.STORE_PROFILE | ActionKind.STORE_REPORT:
            return _found(intent, await traces_of_storing(session, project, intent, calls), ())
    assert_never(intent.kind)


async def _settle_pipeline(session: Session, project: Project, intent: Intent, calls: Sequence[ApiCall]) -> Receipt:
    newest = await list_pipelines(session.transport, project.ref, limit=_LOOK_BACK)
    marked = [item for item in newest if intent.id[:8] in item.name]
    ref = str((calls[0].body or {}).get("ref", "")) if calls else ""
    like = [item for item in newest if item.created_at and item.created_at >= intent.created_at]
    like = [item for item in like if item.source == "api" and item.ref == ref and not item.name.endswith("]")]
    found = marked or like
    return _found(intent, [f"pipeline {item.id}" for item in found], [item.web_url for item in found])


async def _settle_retry(session: Session, project: Project, intent: Intent) -> Receipt:
    book = session.deployment_book(project.ref)
    deployments = await list_deployments(session.transport, project.ref, book, limit=_LOOK_BACK)
    by_id = {item.id: item for item in deployments}
    target = by_id.get(int(str(intent.expected.get("target deployment", 0))))
    found = [
        item
        for item in deployments
        if target is not None
        and item.environment == intent.subject.environment
        and item.pipeline_id == target.pipeline_id
        and item.id > target.id
        and item.created_at >= intent.created_at
        and item.username == session.username
    ]
    links = [item.job.web_url for item in found if item.job]
    return _found(intent, [f"deployment {item.id}" for item in found], links)


async def _versions_of(session: Session, project: Project, name: str) -> list[Model]:
    models = [item for item in await list_models(session.transport, project.ref) if item.name == name]
    return [
        Model(
            item.id,
            item.project,
            item.name,
            item.card,
            item.created_at,
            item.version_count,
            None,
            await list_versions(session.transport, item),
        )
        for item in models
    ]


def _has_card(models: list[Model], intent: Intent, calls: Sequence[ApiCall]) -> bool:
    variables = (calls[0].body or {}).get("variables") if calls else None
    card = variables.get("description") if isinstance(variables, dict) else None
    cards = {item.version: item.card for model in models for item in model.versions}
    current = cards.get(intent.subject.version) if intent.subject.version else next((m.card for m in models), None)
    return current == card


def _exists(models: list[Model], intent: Intent) -> bool:
    if intent.kind is ActionKind.DELETE_MODEL:
        return bool(models)
    return any(item.version == intent.subject.version for model in models for item in model.versions)


def _found(intent: Intent, found: Sequence[str], links: Sequence[str]) -> Receipt:
    match len(found):
        case 0:
            message = f"GitLab shows nothing of it since {instant(intent.created_at)}: it was not carried out"
            return Receipt(intent, Outcome.FAILED, message, ())
        case 1:
            return Receipt(intent, Outcome.DONE, f"GitLab shows {found[0]}: it was carried out", (), tuple(links))
        case _:
            message = f"GitLab shows several that could be it ({', '.join(found)}): a person has to decide"
            return Receipt(intent, Outcome.UNKNOWN, message, (), tuple(links))
