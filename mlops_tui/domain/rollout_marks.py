"""What a rollout writes into GitLab so that a restart anywhere finds it.

It is one line, in a flag's description or a pipeline's name.
``fraud 2.1.0 -> production [rollout 3f2a90c1 by flag plan 5d41402a over 2.0.0 step 2 running since
2026-11-27T10:47:55Z begun 2026-11-27T09:00:00Z trail 1+0]`` is read by people and by programs alike; a pipeline's name
still tells its version to whoever knows nothing of rollouts. The trail tells what was before; when it ends the verdict
it ends on follows. Lines without them, from before there were any, are read as well.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from mlops_tui.domain.api_calls import SECOND, TIME_OF_SENDING, second
from mlops_tui.domain.deployments import pipeline_name, resolve_version
from mlops_tui.domain.errors import UsageError
from mlops_tui.domain.judgements import Verdict
from mlops_tui.domain.policy import RolloutDriver, RolloutPolicy
from mlops_tui.domain.rollout_states import WHEN_SENT, Phase, Progress
from mlops_tui.domain.rollout_trails import Turn, left_behind, read_trail, trail_text

LONGEST = 255
# The moment of sending may be filled in last, and is longer than what stands for it until then.
_ROOM = LONGEST - 8
UNKNOWN_VERSION = "unknown"
_NAME = re.compile(r"^(?P<model>\S+) \S+ -> (?P<environment>\S+) \[")
_MARK = re.compile(
    r"rollout (?P<id>[0-9a-f]{8}) by (?P<driver>[a-z]+) plan (?P<plan>[0-9a-f]{8}) over (?P<control>\S+)"
    rf" step (?P<step>0|[1-9][0-9]?) (?P<phase>[a-z]+) since (?P<since>{SECOND}) begun (?P<begun>{SECOND})"
    r"(?: trail (?P<trail>[0-9a-zTZ:+.-]+))?(?: verdict (?P<verdict>[A-Z]+))?"
)
_ENDING = frozenset({Phase.PROMOTING, Phase.ABORTING, Phase.DONE, Phase.ABORTED})
_FLAG_FORBIDDEN = re.compile(r"[^a-z0-9_-]+")
_LONGEST_FLAG = 63


@dataclass(frozen=True, slots=True)
class RolloutMark:
    """What is written: which rollout of what, by which plan, and how far it is.

    ``control`` is the version it is compared with, ``unknown`` where nothing names it; ``version`` that of the arm
    whose flag or pipeline carries the mark. ``trail`` is what was before ``progress``, as far as there was room for it;
    ``verdict`` what was said of it when its end or its abort began, None before that and where nothing was. A moment
    ``WHEN_SENT`` is a placeholder in the line until it is sent.
    """

    id: str
    driver: RolloutDriver
    plan: str
    model: str
    version: str
    control: str
    environment: str
    progress: Progress
    begun: datetime
    trail: tuple[Turn, ...] = ()
    verdict: Verdict | None = None

    def moved_to(self, after: Progress, at: datetime, verdict: Verdict | None) -> RolloutMark:
        """The mark once the rollout has gone on to ``after`` at ``at``, when ``verdict`` was said of it."""
        is_abort = after.phase.is_abort and not self.progress.phase.is_abort
        # What let a promotion begin says nothing of why it was aborted.
        before = None if is_abort and self.verdict is not Verdict.BREACH else self.verdict
        said = _last_said(before, verdict) if after.phase in _ENDING else None
        trail = left_behind(self.trail, self.progress, after, at)
        return replace(self, progress=after, trail=trail, verdict=said)

    @property
    def text(self) -> str:
        """The line as it is written; what GitLab has no room for is left out: first the oldest of the trail."""
        for start in range(len(self.trail) + 1):
            text = self._with(self.trail[start:], self.verdict)
            if len(text) <= _ROOM:
                return text
        return self._with((), None)

    def _with(self, trail: Sequence[Turn], verdict: Verdict | None) -> str:
        progress = self.progress
        inner = (
            f"rollout {self.id} by {self.driver.value} plan {self.plan} over {self.control} step {progress.step}"
            f" {progress.phase.value} since {_told(progress.since)} begun {_told(self.begun)}"
        )
        inner += f" trail {trail_text(trail, self.begun)}" if trail else ""
        inner += f" verdict {verdict.value}" if verdict else ""
        return pipeline_name(self.model, self.version, self.environment, inner)


def _last_said(written: Verdict | None, newest: Verdict | None) -> Verdict | None:
    """What stands once the end has begun: a promotion changes what serves, so that only a breach counts after it."""
    return newest if written is None or newest is Verdict.BREACH else written


def read_mark(text: str) -> RolloutMark | None:
    """The mark in a description or a name, None where there is none that this program wrote."""
    deployed = resolve_version(text, None, "", is_tag=False)
    named = _NAME.match(text.strip())
    found = _MARK.fullmatch(deployed.mark) if deployed and named else None
    if deployed is None or named is None or found is None:
        return None
    try:
        progress = Progress(Phase(found["phase"]), int(found["step"]), datetime.fromisoformat(found["since"]))
        begun = datetime.fromisoformat(found["begun"])
        driver = RolloutDriver(found["driver"])
        verdict = Verdict(found["verdict"]) if found["verdict"] else None
    except ValueError:
        return None
    trail = read_trail(found["trail"], begun) if found["trail"] else ()
    if trail is None:
        return None
    return RolloutMark(
        id=found["id"],
        driver=driver,
        plan=found["plan"],
        model=deployed.model,
        version=deployed.version,
        control=found["control"],
        environment=named["environment"],
        progress=progress,
        begun=begun,
        trail=trail,
        verdict=verdict,
    )


def require_writable(marks: Sequence[RolloutMark]) -> None:
    """Raise UsageError for a mark that could not be read back, or that GitLab would not take because it is too long.

    A rollout whose mark nobody can read is one that nobody can step, hold or abort. It has to have room for every step
    and phase that may come: an abort must not fail for want of it.
    """
    for mark in marks:
        # The line tells moments to the second, and a mark is made between two.
        written = replace(
            mark,
            progress=replace(mark.progress, since=_whole_second(mark.progress.since)),
            begun=_whole_second(mark.begun),
        )
        if read_mark(mark.text) != written:
            raise UsageError(
                f"A rollout of {mark.model} {mark.version} to {mark.environment} could not be found again",
                why=_unreadable(mark),
                remedy="Rename it, or deploy at once with `mlops-tui models promote`",
            )
        if (
            needed := len(replace(mark, progress=replace(mark.progress, phase=Phase.PROMOTING, step=99)).text)
        ) > LONGEST:
            raise UsageError(
                f"The names of {mark.model} {mark.version} and {mark.environment} are too long for a rollout",
                why=f"its state is kept in {LONGEST} characters in GitLab, and takes {needed}",
                remedy="Roll out a version with a shorter number",
            )


def flag_name(policy: RolloutPolicy, model: str, treatment: str) -> str:
    """The feature flag that gives one arm its share.

    ``flag`` of the policy where there is one new version; with several each has ``<flag>-<arm>``. Without ``flag`` it
    is ``<model>-<arm>``, in the characters that GitLab allows.
    """
    if policy.flag is not None and len(policy.treatments) == 1:
        return policy.flag
    return _flag_word(f"{policy.flag or model}-{treatment}")


def group_id(rollout: str, place: int) -> str:
    """The ``groupId`` of an arm's strategy: lower-case letters alone, another for every rollout and arm.

    Unleash hashes a caller with the group, so a fixed group would show every rollout to the same callers.
    """
    letters = "abcdefghijklmnop"
    return f"mlopstui{''.join(letters[int(digit, 16)] for digit in rollout)}{letters[place]}"


def _unreadable(mark: RolloutMark) -> str:
    names = {
        "model": mark.model,
        "environment": mark.environment,
        "version": mark.version,
        "live version": mark.control,
    }
    spaced = next((what for what, name in names.items() if any(letter.isspace() for letter in name)), None)
    if spaced is not None:
        return f"the {spaced}'s name {names[spaced]} holds a space, and its state is kept in a line of words in GitLab"
    return "its state is kept in a line of words in GitLab, and these names cannot be told apart in it"


def _whole_second(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(microsecond=0)


def _told(moment: datetime) -> str:
    return TIME_OF_SENDING if moment == WHEN_SENT else second(moment)


def _flag_word(text: str) -> str:
    word = _FLAG_FORBIDDEN.sub("-", text.lower())[:_LONGEST_FLAG].strip("-_")
    return word if word[:1].isalpha() else f"m-{word}"[:_LONGEST_FLAG].rstrip("-_")
