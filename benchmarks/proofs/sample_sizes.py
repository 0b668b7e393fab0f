"""Whether a rollout without harm is HEALTHY by the number of samples that its preview names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from benchmarks.proofs.rollout_streams import CONTROL, TREATMENT
from mlops_tui.analysis.judge import judge_of
from mlops_tui.analysis.power import ArmSamples, Baseline, samples_needed
from mlops_tui.domain.judgements import EventSample, JudgePlan, Measurement, Sample, ValueSample, Verdict
from mlops_tui.domain.policy import Direction, Guardrail, GuardrailKind

ALPHA = 0.05
SHARES = (0.5, 0.2, 0.05)
TITLES = ("guardrail", "canary's share", "samples per window", "named", "windows", "HEALTHY by half", "HEALTHY by then")
TEXT = """\
The preview of a rollout names the samples of the new version after which its slowest guardrail is decided with a power
of 0.8, should there be no harm. It counts in whole windows; each of their samples falls to either arm at random."""

_START = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Need:
    """A guardrail, what its control is like, and how much traffic both arms have per window."""

    name: str
    guardrail: Guardrail
    baseline: Baseline
    share: float
    per_window: int

    @property
    def named(self) -> ArmSamples:
        """What the preview names."""
        found = samples_needed(self.guardrail, self.baseline, self.share, ALPHA, self.per_window)
        if found is None:
            message = f"{self.name} is never decided"
            raise ValueError(message)
        return found

    @property
    def windows(self) -> int:
        """How many windows that takes."""
        return round((self.named.control + self.named.treatment) / self.per_window)

    def healthy_after(self, windows: int, seed: int) -> int | None:
        """After how many windows a simulated rollout is HEALTHY, None where it is not within so many."""
        random = np.random.default_rng([seed, self.per_window])
        judge = judge_of(JudgePlan((self.guardrail,), ALPHA, CONTROL, (TREATMENT,)))
        for number in range(1, windows + 1):
            at = _START + timedelta(minutes=number)
            if judge.observe(at, tuple(self._window(random, at))).verdict is Verdict.HEALTHY:
                return number
        return None

    def _window(self, random: np.random.Generator, at: datetime) -> Iterator[Measurement]:
        treated = int(random.binomial(self.per_window, self.share))
        for arm, n in ((CONTROL, self.per_window - treated), (TREATMENT, treated)):
            if n:
                yield Measurement(at, arm, self.guardrail.name, self._sample(random, n))

    def _sample(self, random: np.random.Generator, n: int) -> Sample:
        if self.baseline.deviation is None:
            return EventSample(n, float(random.binomial(n, self.baseline.value)))
        values = random.normal(self.baseline.value, self.baseline.deviation, n)
        return ValueSample(n, float(values.sum()), float(np.square(values).sum()))


def needs() -> tuple[Need, ...]:
    """Rates, quantiles and means at three shares and three paces: few windows with much traffic, and more with less."""
    rate = Guardrail("errors", GuardrailKind.RATE, Direction.LOWER, 0.01)
    p95 = Guardrail("p95", GuardrailKind.QUANTILE, Direction.LOWER, 0.02, quantile=0.95, threshold=250.0)
    mean = Guardrail("score", GuardrailKind.MEAN, Direction.LOWER, 0.1)
    kinds = (
        ("1 % errors, margin 1 %", rate, Baseline(0.01), (4_000, 250, 80)),
        ("beyond p95, margin 2 %", p95, Baseline(0.05), (14_000, 400, 85)),
        ("normal values, margin 0.1 deviations", mean, Baseline(0.0, 1.0), (3_000, 600, 85)),
    )
    return tuple(
        Need(name, guardrail, baseline, share, round(pace * 0.25 / (share * (1.0 - share))))
        for name, guardrail, baseline, paces in kinds
        for share in SHARES
        for pace in paces
    )


def rows(repetitions: int) -> list[Sequence[str]]:
    """One line for each need."""
    return [_row(need, repetitions) for need in needs()]


def _row(need: Need, repetitions: int) -> Sequence[str]:
    windows = need.windows
    healthy = [need.healthy_after(windows, seed) for seed in range(repetitions)]
    by_then = np.mean([after is not None for after in healthy])
    by_half = np.mean([after is not None and after <= windows / 2 for after in healthy])
    named = f"{need.named.treatment:,}"
    return (
        need.name, f"{need.share:.0%}", f"{need.per_window:,}", named, f"{windows}", f"{by_half:.0%}", f"{by_then:.0%}",
    )  # fmt: skip
