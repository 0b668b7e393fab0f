"""What a watcher does next, by the plan and nothing else. Pure: the record in, the decision out."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import assert_never

from mlops_tui.domain.judgements import Verdict
from mlops_tui.domain.policy import OnBreach, OnInsufficient, RolloutStep
from mlops_tui.domain.rollout_states import Phase, RolloutState
from mlops_tui.domain.rollouts import Hindrance, Rollout, StepProgress


class Course(Enum):
    """What may be done next."""

    WAIT = "wait"
    TELL = "tell"
    ADVANCE = "advance"
    FINISH = "finish"
    HOLD = "hold"
    ROLL_BACK = "roll_back"
    OVER = "over"

    @property
    def acts(self) -> bool:
        """Whether it changes something."""
        return self in {Course.ADVANCE, Course.FINISH, Course.HOLD, Course.ROLL_BACK}


@dataclass(frozen=True, slots=True)
class Decision:
    """A course, with the reason in one sentence without its full stop."""

    course: Course
    reason: str


def decide(record: Rollout) -> Decision:
    """What the plan says to do now.

    A breach goes before everything else; whatever a person has to look at stops every step forward; only HEALTHY goes
    on, and only from a step that has a time or a number of samples: one without either waits for a person.
    """
    if record.state.is_over:
        return Decision(Course.OVER, f"the rollout is {record.state.value.replace('_', ' ')}")
    if record.progress.phase is Phase.ABORTING:
        return _aborting(record)
    if record.verdict is Verdict.BREACH and record.plan is not None:
        return _breached(record, record.plan.on_breach)
    if record.progress.phase is Phase.HELD:
        return Decision(Course.WAIT, "it is held until somebody resumes it")
    if record.progress.phase is Phase.PROMOTING:
        return _promoting(record)
    blocked = next((obstacle for obstacle in record.obstacles if obstacle.stops_watch), None)
    if blocked is not None and blocked.kind is not Hindrance.MISMATCH:
        return Decision(Course.WAIT, blocked.text)
    return _running(record)


def _running(record: Rollout) -> Decision:
    match record.state:
        case RolloutState.STARTING:
            return Decision(Course.ADVANCE, "the first step has not begun")
        case RolloutState.STEPPING if any(item.kind is Hindrance.HALF_WAY for item in record.obstacles):
            return Decision(Course.ADVANCE, "a change stopped half-way and is finished")
        case RolloutState.STEPPING:
            return Decision(Course.WAIT, "a weight is being changed")
        case _ if record.verdict is Verdict.INVALID:
            return Decision(Course.HOLD, record.judgement.reason if record.judgement else "the comparison is invalid")
        case RolloutState.SOAKING:
            return _soaking(record)
        case _:
            return _complete(record)


def _soaking(record: Rollout) -> Decision:
    needs = record.needs
    if needs is None or needs.soak_left:
        return Decision(Course.WAIT, "the step has not had its time")
    if needs.silent:
        return _insufficient(record, f"the time of the step is over, and {_silence(needs)}")
    return Decision(Course.WAIT, "the step has not had its samples")


def _silence(needs: StepProgress) -> str:
    """Which arms served nothing, and which bring nothing any more of what they lack."""
    never = [arm for arm in needs.silent if not needs.samples.get(arm)]
    stalled = [arm for arm in needs.silent if needs.samples.get(arm)]
    parts = [f"{', '.join(never)} served nothing"] if never else []
    parts += [f"nothing comes any more of what is lacking of {', '.join(stalled)}"] if stalled else []
    return ", and ".join(parts)


def _complete(record: Rollout) -> Decision:
    step = record.step
    if step is not None and not is_automatic(step):
        return Decision(Course.WAIT, "the step has neither a time nor samples, so a person goes on")
    if record.needs is None or not all(record.needs.samples.values()):
        return _unheard(record)
    match record.verdict:
        case Verdict.HEALTHY if record.progress.step >= len(record.steps) and len(record.arms) > 2:
            return Decision(Course.TELL, "it is healthy, and a person says which new version gets everything")
        case Verdict.HEALTHY:
            return Decision(Course.ADVANCE, record.judgement.reason if record.judgement else "it is healthy")
        case Verdict.INSUFFICIENT:
            reason = record.judgement.reason if record.judgement else "nothing was measured"
            return _insufficient(record, reason)
        case Verdict.CONTINUE | Verdict.INVALID | Verdict.BREACH:
            return Decision(Course.WAIT, record.judgement.reason if record.judgement else "it is undecided")
    assert_never(record.verdict)


def _unheard(record: Rollout) -> Decision:
    """A verdict of earlier steps lets nothing pass on this one: first every arm has to be measured on it."""
    silent = record.needs.silent if record.needs else ()
    if silent:
        return _insufficient(record, f"the step is over, and {', '.join(silent)} served nothing on it")
    return Decision(Course.WAIT, "its first windows are not closed yet")


def is_automatic(step: RolloutStep) -> bool:
    """Whether a watcher may go on from a step: it says what has to be waited for."""
    return bool(step.soak or step.min_samples)


def _breached(record: Rollout, policy: OnBreach) -> Decision:
    reason = record.judgement.reason if record.judgement else "a guardrail is breached"
    match policy:
        case OnBreach.ROLLBACK:
            return Decision(Course.ROLL_BACK, reason)
        case OnBreach.HOLD if record.progress.phase is Phase.RUNNING:
            return Decision(Course.HOLD, reason)
        case OnBreach.HOLD | OnBreach.TELL:
            return Decision(Course.TELL, reason)
    assert_never(policy)


def _insufficient(record: Rollout, reason: str) -> Decision:
    policy = record.plan.on_insufficient if record.plan else OnInsufficient.HOLD
    match policy:
        case OnInsufficient.HOLD:
            return Decision(Course.HOLD, reason)
        case OnInsufficient.TELL:
            return Decision(Course.TELL, reason)
    assert_never(policy)


def _promoting(record: Rollout) -> Decision:
    live = next((arm.version for arm in record.arms if arm.is_control), None)
    versions = {arm.version for arm in record.arms if not arm.is_control}
    if live in versions:
        return Decision(Course.FINISH, f"{live} serves everything")
    if _is_deploying(record):
        return Decision(Course.WAIT, "the version is being deployed in full")
    return Decision(Course.TELL, "the full deployment waits for somebody, or has failed: look at its pipeline")


def _aborting(record: Rollout) -> Decision:
    if _is_deploying(record):
        return Decision(Course.WAIT, f"{record.control_version} is being deployed")
    waiting = next((obstacle.text for obstacle in record.obstacles if obstacle.kind is Hindrance.APPROVAL), None)
    is_half_way = any(obstacle.kind is Hindrance.HALF_WAY for obstacle in record.obstacles)
    if waiting is not None and not is_half_way:
        # Another abort would only make another deployment that waits.
        return Decision(Course.TELL, waiting)
    return Decision(Course.ROLL_BACK, f"an abort was begun, and {record.control_version} does not serve everything yet")


def _is_deploying(record: Rollout) -> bool:
    return any(obstacle.kind is Hindrance.IN_FLIGHT for obstacle in record.obstacles)
