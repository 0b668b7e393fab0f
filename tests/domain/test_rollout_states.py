"""The state machine of rollouts against a model of what people may expect of one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from mlops_tui.domain.errors import RefusedError
from mlops_tui.domain.rollout_states import (
    AbortBegun,
    Event,
    Held,
    Phase,
    Progress,
    Promoted,
    PromotionBegun,
    Restored,
    Resumed,
    RolloutState,
    Stepped,
    begin,
    follow,
    state_of,
)

START = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


class Rollouts(RuleBasedStateMachine):
    """A rollout that anything may be asked of at any time; refused events change nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.now = START
        self.steps = 4
        self.progress = begin(START)
        self.path: list[Progress] = [self.progress]
        self.was_aborted = False

    def ask(self, event: Event) -> bool:
        """Whether the event was taken."""
        try:
            self.progress = follow(self.progress, event, self.steps)
        except RefusedError:
            return False
        self.path.append(self.progress)
        return True

    @rule(seconds=st.integers(0, 1_000))
    def time_passes(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    @rule(step=st.integers(-1, 6))
    def step(self, step: int) -> None:
        may = self.path[-1].phase in {Phase.RUNNING, Phase.HELD} and self.path[-1].step < step <= self.steps
        assert self.ask(Stepped(step, self.now)) == may

    @rule()
    def hold(self) -> None:
        before = self.progress
        if self.ask(Held()):
            assert (self.progress.step, self.progress.since) == (before.step, before.since)

    @rule()
    def resume(self) -> None:
        was_held = self.progress.phase is Phase.HELD
        assert self.ask(Resumed()) == was_held

    @rule()
    def promote(self) -> None:
        may = self.progress.phase in {Phase.RUNNING, Phase.HELD}
        assert self.ask(PromotionBegun(self.now)) == may

    @rule()
    def end(self) -> None:
        if self.ask(Promoted(self.now)):
            assert self.path[-2].phase is Phase.PROMOTING

    @rule()
    def abort(self) -> None:
        could = not self.progress.phase.is_over
        assert self.ask(AbortBegun(self.now)) == could
        self.was_aborted = self.was_aborted or could

    @precondition(lambda self: self.was_aborted)
    @rule()
    def restore(self) -> None:
        self.ask(Restored(self.now))

    @invariant()
    def goes_forward_only(self) -> None:
        steps = [item.step for item in self.path]
        assert steps == sorted(steps)
        assert [item.since for item in self.path] == sorted(item.since for item in self.path)

    @invariant()
    def an_abort_is_never_taken_back(self) -> None:
        if self.was_aborted:
            assert self.progress.phase in {Phase.ABORTING, Phase.ABORTED}

    @invariant()
    def people_see_one_state(self) -> None:
        for is_changing in (True, False):
            for is_complete in (True, False):
                state = state_of(self.progress, is_changing=is_changing, is_complete=is_complete)
                assert state.is_over == self.progress.phase.is_over
                if state is RolloutState.READY:
                    assert is_complete
                    assert self.progress.step


TestRollouts = Rollouts.TestCase
TestRollouts.settings = settings(max_examples=60, stateful_step_count=20, deadline=None)
