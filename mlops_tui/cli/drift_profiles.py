"""Making a reference profile from the command line, and storing it with its version."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlops_tui.cli.errors import tell
from mlops_tui.cli.session import ask
from mlops_tui.cli.tables import Column
from mlops_tui.cli.time_ranges import asked_range
from mlops_tui.domain.errors import InsufficientDataError, UsageError

if TYPE_CHECKING:
    from mlops_tui.cli.drift_options import Whose
    from mlops_tui.cli.options import GlobalOptions
    from mlops_tui.domain.artifacts import DownloadProgress
    from mlops_tui.domain.profiles import ReferenceProfile
    from mlops_tui.operations.profiles import Kinds, Profiling
    from mlops_tui.operations.session import Session
    from mlops_tui.storage.trace_folds import FoldProgress

PROFILED = (
    Column("feature", "feature", is_whole=True),
    Column("kind", "kind"),
    Column("rows", "n", is_number=True),
    Column("missing", "missing", is_number=True),
    Column("bins", "bins", is_number=True),
    Column("remark", "reason"),
)


@dataclass(frozen=True, slots=True)
class Source:
    """What a profile is made of: a table, a run's artifact, or requests; exactly one of them."""

    file: str | None
    run_id: str | None
    artifact: str | None
    window: str | None

    def __post_init__(self) -> None:
        named = [item for item in (self.file, self.run_id, self.window) if item is not None]
        if len(named) != 1:
            raise UsageError("One source makes a profile", remedy="Name --input, --run with --artifact, or --window")
        if (self.run_id is None) is not (self.artifact is None):
            raise UsageError("--run and --artifact belong together", remedy="Name both")

    @property
    def name(self) -> str:
        """What it is called in the JSON."""
        if self.file is not None:
            return "standard input" if self.file == "-" else self.file
        return f"run {self.run_id}, {self.artifact}" if self.run_id is not None else f"requests of {self.window}"


def make(source: Source, whose: Whose, kinds: Kinds | None, bins: int, options: GlobalOptions) -> Profiling:
    """Make the profile; what cannot be in it is told on standard error."""
    if source.file is not None:
        from mlops_tui.operations.drift import profile_file

        made = profile_file(source.file, kinds, bins)
    elif source.run_id is not None:
        made = ask(options, lambda session: _of_artifact(session, source, kinds, bins))
    else:
        made = ask(options, lambda session: _of_traffic(session, source, whose, kinds, bins))
    for problem in made.problems:
        tell(f"{problem.feature} is not in the profile: {problem.reason}")
    if not made.profile.features:
        raise UsageError(f"{source.name} cannot be profiled", why="no column of it can be")
    return made


def items(made: Profiling) -> list[dict[str, Any]]:
    """The features as programs read them, then the columns that are none."""
    profile_id = made.profile.profile_id
    rows: list[dict[str, Any]] = [
        {
            "feature": feature.name,
            "kind": feature.kind,
            "n": feature.counts.n,
            "missing": feature.counts.absent,
            "bins": feature.bins.size,
            "profile_id": profile_id,
            "reason": None,
        }
        for feature in made.profile.features
    ]
    nothing = {"n": None, "missing": None, "bins": None, "profile_id": profile_id}
    rows += [
        {"feature": problem.feature, "kind": problem.kind, **nothing, "reason": problem.reason}
        for problem in made.problems
    ]
    return rows


def store(profile: ReferenceProfile, whose: Whose, origin: str, options: GlobalOptions) -> bool:
    """Store a profile with its version, and have the store of traces on this machine count by it.

    Returns whether there was something to store, of which the preview or the receipt is then written.
    """
    if whose.model is None or whose.version is None:
        raise UsageError("--store needs a version", why="a profile is kept with one", remedy="Name --model, --version")
    return ask(options, lambda session: _store(session, profile, whose, origin, options))


async def _of_artifact(session: Session, source: Source, kinds: Kinds | None, bins: int) -> Profiling:
    from mlops_tui.operations.profile_sources import profile_artifact

    return await profile_artifact(session, source.run_id or "", source.artifact or "", kinds, bins, _downloading)


async def _of_traffic(session: Session, source: Source, whose: Whose, kinds: Kinds | None, bins: int) -> Profiling:
    from mlops_tui.operations.models import find_model
    from mlops_tui.operations.profile_sources import profile_traffic

    if whose.model is None or whose.version is None:
        raise UsageError("--window needs a version", why="a profile is of one", remedy="Name --model and --version")
    asked = asked_range(source.window or "", session.clock.now())
    project = (await find_model(session, whose.model)).project
    times = asked.times
    made, subject = await profile_traffic(session, project, whose.filter(), times, kinds, bins)
    if all(feature.counts.n == 0 for feature in made.profile.features):
        raise InsufficientDataError("There is nothing to make a profile of", why="the requests of that time are gone")
    place = " ".join(part for part in (subject.model, subject.version, subject.arm, subject.environment) if part)
    tell(f"The requests are those of {place}")
    return made


async def _store(
    session: Session, profile: ReferenceProfile, whose: Whose, origin: str, options: GlobalOptions
) -> bool:
    from mlops_tui.cli.actions import carry_out
    from mlops_tui.operations.reference_profiles import prepare_profile

    action = await prepare_profile(session, whose.model or "", whose.version or "", profile, origin)
    if action is None:
        tell(f"This very profile is stored with {whose.bare_model} {whose.version} already")
    else:
        await carry_out(session, action, options)
    if not options.dry_run:
        await _count(session, profile, whose)
    return action is not None


async def _count(session: Session, profile: ReferenceProfile, whose: Whose) -> None:
    """Count the traffic that is there by the profile; without a store on this machine there is nothing to do."""
    from mlops_tui.domain.window_slices import WindowProfile
    from mlops_tui.operations.profile_counting import count_past

    try:
        reader = await session.traces()
    except UsageError:
        return
    await count_past(session, reader, WindowProfile.of(profile, "", whose.bare_model), _counting)


def _downloading(progress: DownloadProgress) -> None:
    if sys.stderr.isatty():
        share = f"{progress.received / progress.total:4.0%}" if progress.total else f"{progress.received:,} bytes"
        sys.stderr.write(f"\r{share}" + ("\n" if progress.received == progress.total else ""))


def _counting(progress: FoldProgress) -> None:
    if sys.stderr.isatty():
        line = f"\r{progress.fold.counted:,} of {progress.total:,} spans are counted by it"
        sys.stderr.write(line + ("\n" if progress.is_done else ""))
