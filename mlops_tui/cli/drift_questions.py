"""What ``drift show`` and ``drift backtest`` ask of an open context."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from mlops_tui.cli.time_ranges import asked_range
from mlops_tui.domain.durations import parse_duration
from mlops_tui.domain.errors import UsageError

if TYPE_CHECKING:
    from mlops_tui.cli.drift_options import Whose
    from mlops_tui.domain.drift_windows import ModelDrift
    from mlops_tui.domain.policy import AlertRule
    from mlops_tui.domain.snapshots import Snapshot
    from mlops_tui.operations.drift_backtests import DriftBacktest
    from mlops_tui.operations.session import Session


@dataclass(frozen=True, slots=True)
class RuleLimits:
    """A rule as options tell it; without a ``metric`` there is none."""

    metric: str | None
    above: float | None
    below: float | None
    hold: str | None
    clear_below: float | None
    clear_above: float | None

    def rule(self) -> AlertRule | None:
        """The rule. Raises UsageError for one that makes no sense."""
        from mlops_tui.domain.monitored_metrics import parse_metric
        from mlops_tui.domain.policy import AlertRule

        limits = (self.above, self.below, self.hold, self.clear_below, self.clear_above)
        if self.metric is None:
            if any(limit is not None for limit in limits):
                raise UsageError("The rule has no figure", remedy="Name one with --metric, such as psi.amount")
            return None
        if (self.above is None) == (self.below is None):
            raise UsageError("A rule has one limit", remedy="Name either --above or --below")
        try:
            metric = parse_metric(self.metric)
            hold = timedelta(0) if self.hold is None else parse_duration(self.hold)
        except ValueError as error:
            raise UsageError("The rule makes no sense", why=str(error)) from None
        return AlertRule(
            f"{metric.name} {'above' if self.below is None else 'below'} {self.above or self.below or 0:g}",
            metric.name,
            self.above,
            self.below,
            hold,
            self.clear_below,
            self.clear_above,
        )


async def status(session: Session, whose: Whose, window: str, width: timedelta | None) -> Snapshot[ModelDrift]:
    """The drift of a model over a range of time."""
    from mlops_tui.operations.model_drift import model_drift
    from mlops_tui.operations.models import find_model

    asked = asked_range(window, session.clock.now())
    summary = await find_model(session, whose.model or "")
    return await model_drift(
        session,
        summary.project,
        summary.model.name,
        times=asked.times,
        version=whose.version,
        arm=whose.arm,
        environment=whose.environment,
        width=width,
    )


async def past(
    session: Session, whose: Whose, window: str, width: timedelta | None, names: tuple[str, ...], limits: RuleLimits
) -> Snapshot[DriftBacktest]:
    """The backtest of the rules named, of the one that the options tell, or of all in the policy file."""
    from mlops_tui.operations.drift_backtests import backtest, policy_rules
    from mlops_tui.operations.models import find_model

    own = limits.rule()
    asked = asked_range(window, session.clock.now())
    project = (await find_model(session, whose.model or "")).project
    known = await policy_rules(session, project, whose.bare_model, names) if names or own is None else ()
    rules = (*known, *((own,) if own else ()))
    return await backtest(session, project, whose.filter(), asked.start, asked.end, rules=rules, width=width)
