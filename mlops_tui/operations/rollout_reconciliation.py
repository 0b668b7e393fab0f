"""What came of an action on a rollout whose outcome is unknown: its mark is looked for where it was to be written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import unquote

from mlops_tui.domain.actions import Intent, Outcome, Receipt
from mlops_tui.domain.api_calls import ApiCall
from mlops_tui.domain.projects import Project
from mlops_tui.domain.rollout_marks import read_mark
from mlops_tui.operations.rollout_drivers import sightings
from mlops_tui.operations.rollout_sightings import ProjectReading, read_project
from mlops_tui.operations.session import Session


async def settle_rollout(session: Session, project: Project, intent: Intent, calls: Sequence[ApiCall]) -> Receipt:
    """Done where every mark is there, not done where none is.

    Where only some are there the rollout shows as half-way, and is finished or aborted from there; so this never has to
    be left to a person.
    """
    reading = await read_project(session, project)
    wanted = [found for call in calls if (found := _written(call)) is not None]
    there = [name for name, text in wanted if _has(reading, name, text)]
    if wanted and len(there) == len(wanted):
        return Receipt(intent, Outcome.DONE, "GitLab shows the rollout where it was to go: it was carried out", ())
    if there:
        message = f"Only a part of it was carried out ({', '.join(there)}): the rollout shows as half-way"
        return Receipt(intent, Outcome.FAILED, message, ())
    now = _now(reading, intent)
    return Receipt(intent, Outcome.FAILED, f"GitLab shows nothing of it: it was not carried out. {now}".strip(), ())


def _written(call: ApiCall) -> tuple[str, str] | None:
    """Where a call writes a mark, and which; None for a call that writes none."""
    body: Mapping[str, object] = call.body or {}
    text = str(body.get("description") or body.get("name") or "")
    if read_mark(text) is None:
        return None
    name = str(body.get("name") or unquote(call.path.rsplit("/", 1)[-1]))
    return name, text


def _has(reading: ProjectReading, name: str, text: str) -> bool:
    flags = reading.flags.flags if reading.flags else ()
    in_flags = any(flag.name == name and flag.description == text for flag in flags)
    return in_flags or any(pipeline.name == text for pipeline in reading.pipelines)


def _now(reading: ProjectReading, intent: Intent) -> str:
    found = next((item for item in sightings(reading) if item.mark.id == intent.expected.get("rollout")), None)
    return f"It is {found.progress.phase.value} on step {found.progress.step}" if found else ""
