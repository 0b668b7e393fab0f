"""What GitLab shows of the single calls of an action on a rollout: which were carried out, and which cannot be told.

A flag and a pipeline's name keep the very text that was written, a job tells whether and by whom it was played. The
weight of a canary ingress can be set and not be read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import unquote

from mlops_tui.domain.actions import ActionKind, Intent
from mlops_tui.domain.api_calls import ApiCall, Method
from mlops_tui.domain.canonical import canonical_json
from mlops_tui.domain.deployments import resolve_version
from mlops_tui.domain.errors import NotFoundError
from mlops_tui.domain.jobs import Job
from mlops_tui.domain.pipelines import Pipeline, PipelineStatus
from mlops_tui.domain.rollout_marks import read_mark
from mlops_tui.gitlab.jobs import get_job, pipeline_jobs
from mlops_tui.operations.rollouts.pipelines import UNDER_WAY
from mlops_tui.operations.rollouts.sightings import ProjectReading
from mlops_tui.operations.session import Session

_FLAGS = re.compile(r"/feature_flags(?:/(?P<name>[^/]+))?$")
_NAME = re.compile(r"/pipelines/(?P<id>\d+|\{pipeline\})/metadata$")
_JOB = re.compile(r"/jobs/(?P<id>\d+)/(?P<verb>play|retry|cancel)$")
_STOP = re.compile(r"/pipelines/(?P<id>\d+)/cancel$")
_CREATE = re.compile(r"/projects/\d+/pipeline$")
_WEIGHT = "/api/graphql"
_PIPELINE_NAME = "the pipeline's name"
_WAITING = frozenset({PipelineStatus.MANUAL, PipelineStatus.SCHEDULED, PipelineStatus.CREATED})


@dataclass(frozen=True, slots=True)
class Effect:
    """One call and what became of it: ``happened`` is None where GitLab cannot tell.

    ``is_overtaken`` is where something else was written over it since, so that nobody ever will. ``is_copy`` is a
    record of what something else shows better: where it lacks nothing is missing. ``is_unnamed`` is a pipeline that
    was made and does not carry the rollout, ``by_another`` who did the same instead.
    """

    what: str
    happened: bool | None
    is_overtaken: bool = False
    is_copy: bool = False
    is_unnamed: bool = False
    by_another: str = ""


async def effects_of(
    session: Session, reading: ProjectReading, intent: Intent, calls: Sequence[ApiCall]
) -> list[Effect]:
    """The effects of the calls that matter, in the order in which they were sent.

    Calls are sent one after the other, and only after an answer: what cannot be told and came before one that happened
    has happened too.
    """
    found = [await _effect(session, reading, intent, call) for call in calls]
    effects = [effect for effect in found if effect is not None]
    if any(call.path.endswith("/play") for call in calls):
        # The job itself is what counts; the note beside it only says the same.
        effects = [replace(effect, is_copy=effect.what == _PIPELINE_NAME) for effect in effects]
    last = max((place for place, effect in enumerate(effects) if effect.happened), default=-1)
    told = [
        replace(effect, happened=True) if place < last and effect.happened is None else effect
        for place, effect in enumerate(effects)
    ]
    if any(effect.is_overtaken for effect in told):
        return [replace(effect, is_overtaken=True) if effect.happened is None else effect for effect in told]
    return told


async def _effect(session: Session, reading: ProjectReading, intent: Intent, call: ApiCall) -> Effect | None:
    """What became of a call; None for one that changes nothing that was wanted."""
    if flag := _FLAGS.search(call.path):
        # A lease that is cleared away is no part of what was wanted.
        return None if call.method is Method.DELETE else _flag_effect(reading, intent, call, flag["name"])
    if named := _NAME.search(call.path):
        return _name_effect(reading, intent, call, named["id"])
    if job := _JOB.search(call.path):
        return await _job_effect(session, reading, intent, int(job["id"]), job["verb"])
    if stop := _STOP.search(call.path):
        pipeline = next((item for item in reading.pipelines if item.id == int(stop["id"])), None)
        return _stop_effect(f"pipeline {stop['id']}", pipeline.status) if pipeline else None
    if _CREATE.search(call.path):
        return _creation_effect(reading, intent, call)
    return _weight_effect(call) if call.path == _WEIGHT else None


def _flag_effect(reading: ProjectReading, intent: Intent, call: ApiCall, path_name: str | None) -> Effect:
    body: Mapping[str, object] = call.body or {}
    name, text = unquote(path_name or str(body.get("name", ""))), str(body.get("description", ""))
    flag = next((item for item in (reading.flags.flags if reading.flags else ()) if item.name == name), None)
    said = flag.description if flag else None
    what = f"the flag {name}"
    if said == text or _is_of_start(intent, said):
        return Effect(what, True)
    before = intent.expected.get(f"flag {name}")
    is_as_before = said is None if before is None else said is not None and str(before).endswith(f", {said}")
    return Effect(what, False) if is_as_before else Effect(what, None, is_overtaken=True)


def _is_of_start(intent: Intent, text: str | None) -> bool:
    """Whether a mark is of the rollout that the intent began, however far it has come since."""
    mark = read_mark(text or "")
    return intent.kind is ActionKind.START_ROLLOUT and mark is not None and intent.id.startswith(mark.id)


def _name_effect(reading: ProjectReading, intent: Intent, call: ApiCall, number: str) -> Effect:
    text = str((call.body or {}).get("name", ""))
    if any(pipeline.name == text or _is_of_start(intent, pipeline.name) for pipeline in reading.pipelines):
        return Effect(_PIPELINE_NAME, True)
    said = next((pipeline.name for pipeline in reading.pipelines if str(pipeline.id) == number), None)
    is_as_before = said == intent.expected.get(f"pipeline {number}")
    return Effect(_PIPELINE_NAME, False) if is_as_before else Effect(_PIPELINE_NAME, None, is_overtaken=True)


async def _job_effect(
    session: Session, reading: ProjectReading, intent: Intent, number: int, verb: str
) -> Effect | None:
    try:
        job = await get_job(session.transport, reading.project.ref, number)
    except NotFoundError:
        return Effect(f"job {number}", None, is_overtaken=True)
    if verb == "cancel":
        return _stop_effect(f"the job {job.name}", job.status)
    # One that had ended is run again as another job of the same name.
    attempts = await pipeline_jobs(session.transport, reading.project.ref, job.pipeline_id)
    newer = [item for item in attempts if item.name == job.name and item.id > job.id]
    ran = newer[-1] if newer else job
    has_run = bool(newer) or (verb == "play" and _was_waiting(intent, job) and _has_run(job))
    if has_run and ran.username not in {"", intent.by}:
        return Effect(f"the job {job.name}", False, by_another=ran.username)
    return Effect(f"the job {job.name} as {ran.id}", has_run)


def _was_waiting(intent: Intent, job: Job) -> bool:
    """Whether the job had not run before; one that had is only played as another job."""
    told = intent.expected.get(f"jobs of {job.pipeline_id}")
    before = (
        told.get(job.name) if isinstance(told, Mapping) else intent.expected.get(f"canary job of {job.pipeline_id}")
    )
    return before is None or before in {status.value for status in _WAITING}


def _has_run(job: Job) -> bool:
    return job.status in UNDER_WAY or job.started_at is not None


def _stop_effect(what: str, status: PipelineStatus) -> Effect | None:
    """Something that was to be stopped; None where it had ended by itself, which tells nothing."""
    if status in {PipelineStatus.CANCELED, PipelineStatus.CANCELING}:
        return Effect(f"{what} stopped", True)
    return None if status.is_finished else Effect(f"{what} stopped", False)


def _creation_effect(reading: ProjectReading, intent: Intent, call: ApiCall) -> Effect | None:
    """A pipeline that was made and not named yet; where it has its name that tells all."""
    like = [str(item.id) for item in reading.pipelines if _may_be(item, intent, call)]
    match like:
        case []:
            return None
        case [number]:
            return Effect(f"pipeline {number}, which was not named", True, is_unnamed=True)
        case _:
            return Effect(f"one of the pipelines {', '.join(like)}, which were not named,", None)


def _may_be(pipeline: Pipeline, intent: Intent, call: ApiCall) -> bool:
    """Whether a pipeline without a mark may be the intent's own; lists of pipelines leave out who made them."""
    ref = (call.body or {}).get("ref")
    if pipeline.source != "api" or pipeline.ref != ref or pipeline.name.endswith("]"):
        return False
    named = resolve_version(pipeline.name, None, "", is_tag=False)
    is_other = named is not None and f'"{named.version}"' not in canonical_json(call.body)
    is_since = pipeline.created_at is not None and pipeline.created_at >= intent.created_at
    return is_since and not is_other and pipeline.username in {"", intent.by}


def _weight_effect(call: ApiCall) -> Effect:
    variables = (call.body or {}).get("variables")
    weight = variables.get("weight") if isinstance(variables, Mapping) else None
    return Effect(f"the weight of {weight} %", None)
