"""A model's traffic by the bins of its reference: whose it is, what it is compared with, and its windows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from mlops_tui.domain.drift_windows import SubjectRequests
from mlops_tui.domain.durations import format_duration
from mlops_tui.domain.errors import GateError, UsageError
from mlops_tui.domain.inferences import Subject
from mlops_tui.domain.policy import MonitoringPolicy
from mlops_tui.domain.profiles import FeatureProfile, ProfileError, StoredProfile
from mlops_tui.domain.projects import Project
from mlops_tui.domain.trace_queries import SubjectFilter, TimeRange, WindowQuery, WindowTraffic
from mlops_tui.domain.window_slices import NO_PROFILE, WindowProfile, column_name
from mlops_tui.domain.windows import WindowRow
from mlops_tui.operations.profile_counting import keep_counting
from mlops_tui.operations.reference_profiles import find_reference
from mlops_tui.operations.session import Session
from mlops_tui.storage.trace_folds import FoldProgress
from mlops_tui.tracing.readers import TraceReader

_STABLE = "stable"


@dataclass(frozen=True, slots=True)
class ComparedTraffic:
    """The windows of one subject, and what they are compared with.

    ``rows`` are counted by the bins of ``stored``, or without bins where that is None, and ``problem`` then says why it
    is. ``columns`` are all that the model's requests brought. ``progress`` is how far the store has come in counting by
    the reference; None where it keeps no counts of it yet.
    """

    subject: Subject
    rows: tuple[WindowRow, ...]
    columns: tuple[str, ...]
    stored: StoredProfile | None
    problem: str = ""
    sampled: int | None = None
    progress: FoldProgress | None = None

    def features(self, monitoring: MonitoringPolicy) -> tuple[FeatureProfile, ...]:
        """The features that are compared: all of the reference, or those that the policy names, and predictions."""
        known = self.stored.profile.features if self.stored else ()
        if not monitoring.features:
            return known
        return tuple(item for item in known if item.name in monitoring.features or column_name(item) != item.name)

    def width(self, otherwise: timedelta) -> timedelta:
        """How wide its windows are."""
        return max((row.key.width for row in self.rows), default=otherwise)


@dataclass(frozen=True, slots=True)
class FoundSubject:
    """The subject that is meant, all that could be, and how wide their windows are (None without any)."""

    subject: Subject
    subjects: tuple[SubjectRequests, ...]
    width: timedelta | None


def subjects_of(traffic: Iterable[WindowTraffic], project: Project | None) -> tuple[SubjectRequests, ...]:
    """Whose requests there are, most first; spans that name another project than ``project`` are another model's."""
    requests: dict[Subject, tuple[int, datetime]] = {}
    for part in traffic:
        whole = part.subject
        if project is not None and whole.project not in {"", str(project.ref.id), project.ref.path}:
            continue
        subject = Subject("", whole.project, whole.model, whole.version, whole.arm, whole.environment)
        count, until = requests.get(subject, (0, datetime.min.replace(tzinfo=UTC)))
        requests[subject] = (count + part.traffic.spans, max(until, part.window_start + part.width))
    found = [SubjectRequests(subject, count, until) for subject, (count, until) in requests.items()]
    return tuple(sorted(found, key=lambda item: (-item.requests, item.subject)))


def chosen(subjects: Sequence[SubjectRequests]) -> Subject | None:
    """The one to show when nobody said which: the stable arm before others, then what had the most requests."""
    best = max(subjects, key=lambda item: (item.subject.arm == _STABLE, item.requests), default=None)
    return None if best is None else best.subject


async def find_subject(
    reader: TraceReader, project: Project | None, asked: SubjectFilter, times: TimeRange
) -> FoundSubject:
    """The subject that is meant; without any traffic one with what was asked."""
    traffic = await reader.traffic(WindowQuery(asked.model or "", times))
    subjects = subjects_of(traffic, project)
    meant = [item for item in subjects if asked.admits(item.subject)]
    nobody = Subject("", "", asked.model or "", asked.version or "", asked.arm or "", asked.environment or "")
    return FoundSubject(chosen(meant) or nobody, subjects, max((part.width for part in traffic), default=None))


async def reference_of(
    session: Session, project: Project, subject: Subject, named: str | None
) -> tuple[StoredProfile | None, str]:
    """What a subject is compared with, or why there is nothing.

    ``named`` is what the policy file says; without it that is the version's own profile.
    """
    if not named and not subject.version:
        return None, f"no request says which version of {subject.model} it was for"
    try:
        stored = await find_reference(session, project, subject.model, subject.version, named)
    except (ProfileError, GateError) as error:
        return None, str(error)
    what = f"{subject.model} {named or subject.version}".strip()
    return stored, "" if stored else f"no reference profile is stored with {what}"


async def read_traffic(
    session: Session, subject: Subject, times: TimeRange, stored: StoredProfile | None, problem: str = ""
) -> ComparedTraffic:
    """Read the windows of a subject that overlap a range of time, counted by the bins of ``stored``."""
    reader = await session.traces()
    bins = None if stored is None else WindowProfile.of(stored.profile, "", subject.model)
    progress = None if bins is None else await keep_counting(session, reader, bins)
    only = SubjectFilter(None, subject.project, subject.model, subject.version, subject.arm, subject.environment)
    profile_id = NO_PROFILE if bins is None else bins.profile_id
    answer = await reader.windows(WindowQuery(subject.model, times, only, profile_id=profile_id, profile=bins))
    columns = await reader.columns(subject.model, times)
    return ComparedTraffic(subject, answer.rows, columns, stored, problem, answer.sampled, progress)


def fitting_width(wanted: timedelta | None, own: timedelta) -> timedelta:
    """The width to judge windows in: a multiple of ``own``, which is that of the store.

    Raises:
        UsageError: the wanted one is none.
    """
    if wanted is None:
        return own
    if wanted < own or wanted % own:
        raise UsageError(
            f"There are no windows of {format_duration(wanted)}",
            why=f"those of the store are {format_duration(own)} wide",
            remedy="Name a multiple of that",
        )
    return wanted
