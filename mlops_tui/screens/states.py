"""How the states of everything but runs look; apart from those of runs, since these need not be there at the start."""

from __future__ import annotations

from typing import assert_never

from mlops_tui.domain.actions import Outcome
from mlops_tui.domain.alerts import AlertState
from mlops_tui.domain.approval_states import ApprovalState
from mlops_tui.domain.drift import DriftVerdict
from mlops_tui.domain.environments import EnvironmentState
from mlops_tui.domain.judgements import Verdict
from mlops_tui.domain.pipelines import PipelineStatus
from mlops_tui.domain.rollout_states import RolloutState
from mlops_tui.domain.traces import SpanStatus
from mlops_tui.themes.glyphs import Sign
from mlops_tui.themes.tokens import Token
from mlops_tui.widgets.status import Status


def pipeline_status(status: PipelineStatus) -> Status:
    """How the state of a pipeline, a job or a deployment looks."""
    word = status.value.replace("_", " ")
    match status:
        case PipelineStatus.SUCCESS:
            return Status(Sign.OK, word, Token.OK)
        case PipelineStatus.FAILED:
            return Status(Sign.FAILED, word, Token.ERROR)
        case PipelineStatus.RUNNING:
            return Status(Sign.RUNNING, word, Token.RUNNING)
        case PipelineStatus.MANUAL:
            return Status(Sign.PAUSED, word, Token.WARNING)
        case PipelineStatus.CANCELED | PipelineStatus.CANCELING | PipelineStatus.SKIPPED:
            return Status(Sign.STOPPED, word, Token.MUTED)
        case PipelineStatus.UNKNOWN:
            return Status(Sign.UNKNOWN, word, Token.MUTED)
        case _:
            return Status(Sign.WAITING, word, Token.MUTED)


def environment_state(state: EnvironmentState) -> Status:
    """How the state of an environment looks."""
    match state:
        case EnvironmentState.AVAILABLE:
            return Status(Sign.OK, state.value, Token.OK)
        case EnvironmentState.STOPPING | EnvironmentState.STOPPED:
            return Status(Sign.STOPPED, state.value, Token.MUTED)
        case EnvironmentState.UNKNOWN:
            return Status(Sign.UNKNOWN, state.value, Token.MUTED)
        case _:
            assert_never(state)


def outcome(result: Outcome) -> Status:
    """How the end of an action looks."""
    match result:
        case Outcome.DONE:
            return Status(Sign.OK, result.value, Token.OK)
        case Outcome.FAILED:
            return Status(Sign.FAILED, result.value, Token.ERROR)
        case Outcome.REFUSED:
            return Status(Sign.STOPPED, result.value, Token.WARNING)
        case Outcome.UNKNOWN:
            return Status(Sign.UNKNOWN, result.value, Token.WARNING)
        case _:
            assert_never(result)


def approval_state(state: ApprovalState) -> Status:
    """How the state of an approval looks."""
    match state:
        case ApprovalState.WAITING:
            return Status(Sign.WAITING, state.value, Token.PLAIN)
        case ApprovalState.APPROVED | ApprovalState.DONE:
            return Status(Sign.OK, state.value, Token.OK)
        case ApprovalState.REJECTED:
            return Status(Sign.FAILED, state.value, Token.ERROR)
        case ApprovalState.SUPERSEDED | ApprovalState.EXPIRED:
            return Status(Sign.STOPPED, state.value, Token.MUTED)
        case _:
            assert_never(state)


def rollout_state(state: RolloutState) -> Status:
    """How the state of a rollout looks."""
    word = state.value.replace("_", " ")
    match state:
        case RolloutState.STARTING:
            return Status(Sign.WAITING, word, Token.MUTED)
        case RolloutState.STEPPING | RolloutState.SOAKING | RolloutState.PROMOTING:
            return Status(Sign.RUNNING, word, Token.RUNNING)
        case RolloutState.READY | RolloutState.HELD:
            return Status(Sign.PAUSED, word, Token.WARNING)
        case RolloutState.ROLLING_BACK:
            return Status(Sign.WARNING, word, Token.ERROR)
        case RolloutState.DONE:
            return Status(Sign.OK, word, Token.OK)
        case RolloutState.ROLLED_BACK:
            return Status(Sign.STOPPED, word, Token.WARNING)
        case _:
            assert_never(state)


def alert_state(state: AlertState) -> Status:
    """How the state of an alert looks."""
    match state:
        case AlertState.FIRING:
            return Status(Sign.FAILED, state.value, Token.ERROR)
        case AlertState.PENDING:
            return Status(Sign.WARNING, state.value, Token.WARNING)
        case AlertState.RESOLVED | AlertState.OK:
            return Status(Sign.OK, state.value, Token.OK)
        case AlertState.INSUFFICIENT:
            return Status(Sign.UNKNOWN, state.value, Token.MUTED)
        case _:
            assert_never(state)


def verdict(said: Verdict) -> Status:
    """How a verdict of the judge looks."""
    match said:
        case Verdict.HEALTHY:
            return Status(Sign.OK, said.value, Token.OK)
        case Verdict.BREACH:
            return Status(Sign.FAILED, said.value, Token.ERROR)
        case Verdict.CONTINUE:
            return Status(Sign.RUNNING, said.value, Token.RUNNING)
        case Verdict.INSUFFICIENT:
            return Status(Sign.WAITING, said.value, Token.MUTED)
        case Verdict.INVALID:
            return Status(Sign.WARNING, said.value, Token.ERROR)
        case _:
            assert_never(said)


def drift_verdict(said: DriftVerdict) -> Status:
    """How what is said of a feature looks; too little data is no good news."""
    match said:
        case DriftVerdict.OK:
            return Status(Sign.OK, "ok", Token.OK)
        case DriftVerdict.DRIFT:
            return Status(Sign.WARNING, "drift", Token.ERROR)
        case DriftVerdict.INSUFFICIENT:
            return Status(Sign.WAITING, "too little", Token.WARNING)
        case DriftVerdict.INVALID:
            return Status(Sign.UNKNOWN, "invalid", Token.WARNING)
        case _:
            assert_never(said)


def span_status(status: SpanStatus) -> Status:
    """How the end of an operation looks."""
    match status:
        case SpanStatus.OK:
            return Status(Sign.OK, "ok", Token.OK)
        case SpanStatus.UNSET:
            return Status(Sign.OK, "unset, no error", Token.PLAIN)
        case SpanStatus.ERROR:
            return Status(Sign.FAILED, "error", Token.ERROR)
        case _:
            assert_never(status)
