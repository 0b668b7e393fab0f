"""`python -m benchmarks.proofs.judge [REPETITIONS]`: simulate rollouts, judge them, and write docs/judge.md.

Each stream is judged by three: the sequential judge, a one-sided test at 5 % of all values so far, and the
Kayenta-compatible mode. The last two are asked once at the end, as they are meant to be, and at every look, as they
are used.
"""

from __future__ import annotations

import platform
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import median

import numpy as np
from scipy.special import ndtri

from benchmarks.proofs import failure_cases, sample_ratios, sample_sizes
from benchmarks.proofs.judge_scenarios import AT_MARGIN, CORRELATED, HARM, NULL, SAFE, STAMP_LEVELS
from benchmarks.proofs.rollout_streams import CONTROL, TREATMENT, Scenario, Stream
from mlops_tui.analysis.judge import judge_of
from mlops_tui.analysis.kayenta import Class, classify
from mlops_tui.domain.judgements import JudgePlan, Verdict
from mlops_tui.domain.policy import MarginKind

ALPHA = 0.05
REPETITIONS = 300
PAGE = Path(__file__).parents[2] / "docs" / "judge.md"
_KAYENTA_EVERY = 10


@dataclass(frozen=True, slots=True)
class Decision:
    """How one stream was decided: samples per arm at the first BREACH and HEALTHY, None where there was none."""

    breach: int | None
    healthy: int | None


def judged(scenario: Scenario, stream: Stream, alpha: float = ALPHA) -> Decision:
    """What the sequential judge says when it is looked at after every time stamp, up to a BREACH."""
    judge = judge_of(JudgePlan((scenario.guardrail,), alpha, CONTROL, (TREATMENT,)))
    healthy = None
    for look, (at, measurements) in enumerate(stream.moments(), 1):
        verdict = judge.observe(at, measurements).verdict
        if verdict is Verdict.BREACH:
            return Decision(look * scenario.size, healthy)
        if verdict is Verdict.HEALTHY and healthy is None:
            healthy = look * scenario.size
    return Decision(None, healthy)


def fixed_looks(scenario: Scenario, stream: Stream) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Whether a z-test of everything so far rejects at 5 %, look by look."""
    is_relative = scenario.margin_kind is MarginKind.RELATIVE
    slopes = (1.0 + scenario.margin if is_relative else 1.0, 1.0)
    means, variance = [], np.zeros(scenario.looks)
    for values, slope, size in zip((stream.control, stream.treatment), slopes, scenario.sizes, strict=True):
        n = size * np.arange(1.0, scenario.looks + 1.0)
        means.append(slope * values.sum(axis=1).cumsum() / n)
        variance += (slope**2 * (values**2).sum(axis=1).cumsum() / n - means[-1] ** 2) / n
    excess = means[1] - means[0] - (0.0 if is_relative else scenario.margin)
    rejected: np.ndarray[tuple[int], np.dtype[np.bool_]] = excess > -ndtri(ALPHA) * np.sqrt(np.maximum(variance, 1e-30))
    return rejected


def kayenta_looks(scenario: Scenario, stream: Stream, every: int) -> list[bool]:
    """Whether the Kayenta-compatible mode says High, every so many looks."""
    control, treatment = stream.control.mean(axis=1), stream.treatment.mean(axis=1)
    looks = range(every, scenario.looks + 1, every)
    return [classify(treatment[:look].tolist(), control[:look].tolist()) is Class.HIGH for look in looks]


@dataclass(frozen=True, slots=True)
class Result:
    """All repetitions of a scenario."""

    scenario: Scenario
    decisions: Sequence[Decision]
    fixed_end: float
    fixed_watched: float
    kayenta_end: float
    kayenta_watched: float

    @property
    def breaches(self) -> float:
        """The share of streams that were called a BREACH."""
        return sum(decision.breach is not None for decision in self.decisions) / len(self.decisions)

    @property
    def samples(self) -> str:
        """The median of the samples per arm until a BREACH, over all streams."""
        return _median([decision.breach for decision in self.decisions])


def simulate(scenario: Scenario, repetitions: int, kayenta_every: int) -> Result:
    """Judge a scenario's streams by all three, by Kayenta's rule only every so many looks: it takes long."""
    streams = [scenario.stream(seed) for seed in range(repetitions)]
    fixed = [fixed_looks(scenario, stream) for stream in streams]
    kayenta = [kayenta_looks(scenario, stream, kayenta_every) for stream in streams]
    return Result(
        scenario,
        [judged(scenario, stream) for stream in streams],
        float(np.mean([looks[-1] for looks in fixed])),
        float(np.mean([looks.any() for looks in fixed])),
        float(np.mean([looks[-1] for looks in kayenta])),
        float(np.mean([any(looks) for looks in kayenta])),
    )


def main(arguments: Sequence[str]) -> None:
    """Run everything and write the page."""
    repetitions = int(arguments[0]) if arguments else REPETITIONS
    parts = [_INTRODUCTION, _circumstances(repetitions)]
    parts += ["## No harm: how often a BREACH is called", _NULL_TEXT, _breaches(NULL, repetitions)]
    parts += ["## No harm, but values that hang together", _CORRELATED_TEXT, _breaches(CORRELATED, repetitions)]
    parts += ["## No harm, but time stamps that differ", _LEVELS_TEXT, _breaches(STAMP_LEVELS, repetitions)]
    parts += ["## Harm: how often it is found", _HARM_TEXT, _powers(repetitions)]
    parts += ["## Safe: how often HEALTHY is said", _SAFE_TEXT, _healths(SAFE, repetitions)]
    parts += ["## Harm of exactly the margin: how often HEALTHY is said", _AT_MARGIN_TEXT, _passes(repetitions)]
    parts += ["## The samples that a preview names", sample_sizes.TEXT]
    parts.append(_table(sample_sizes.TITLES, sample_sizes.rows(repetitions)))
    parts += ["## A wrong split: how often INVALID is said", sample_ratios.TEXT]
    parts.append(_table(sample_ratios.TITLES, sample_ratios.rows(repetitions)))
    titles = ("stream", "right", "judge", "Kayenta")
    parts += ["## Cases that went wrong elsewhere", failure_cases.TEXT, _table(titles, failure_cases.rows()), _LIMITS]
    PAGE.write_text("\n\n".join(parts) + "\n", "utf-8")


def _breaches(scenarios: Sequence[Scenario], repetitions: int) -> str:
    rows = [
        (
            result.scenario.name, _share(result.breaches), _share(result.fixed_end), _share(result.fixed_watched),
            _share(result.kayenta_end), _share(result.kayenta_watched),
        )
        for result in _simulated(scenarios, repetitions, is_kayenta_watched=True)
    ]  # fmt: skip
    titles = ("stream", "judge, 100 looks", "fixed test, 1 look", "fixed test, 100 looks", "Kayenta, 1 look")
    return _table((*titles, "Kayenta, 10 looks"), rows)


def _powers(repetitions: int) -> str:
    rows = [
        (
            result.scenario.name, _share(result.breaches), result.samples, _share(result.fixed_end),
            f"{result.scenario.size * result.scenario.looks:,}", _share(result.kayenta_end),
        )
        for result in _simulated(HARM, repetitions)
    ]  # fmt: skip
    titles = ("stream", "judge: BREACH", "median samples per arm", "fixed test", "its samples per arm")
    return _table((*titles, "Kayenta"), rows)


def _healths(scenarios: Sequence[Scenario], repetitions: int) -> str:
    rows = []
    for result in _simulated(scenarios, repetitions):
        healthy = [decision.healthy for decision in result.decisions]
        share = sum(samples is not None for samples in healthy) / len(healthy)
        rows.append((result.scenario.name, _share(share), _median(healthy), _share(result.breaches)))
    return _table(("stream", "HEALTHY within 100 looks", "median samples per arm", "BREACH"), rows)


def _passes(repetitions: int) -> str:
    rows = []
    for result in _simulated(AT_MARGIN, repetitions):
        passed = sum(decision.healthy is not None for decision in result.decisions)
        rows.append((result.scenario.name, _share(passed / len(result.decisions))))
    return _table(("stream", "judge: HEALTHY, 100 looks"), rows)


def _simulated(scenarios: Sequence[Scenario], repetitions: int, *, is_kayenta_watched: bool = False) -> list[Result]:
    results = []
    for scenario in scenarios:
        results.append(simulate(scenario, repetitions, _KAYENTA_EVERY if is_kayenta_watched else scenario.looks))
        sys.stderr.write(f"{scenario.name}: {results[-1].breaches:.3f}\n")
    return results


def _median(samples: Sequence[int | None]) -> str:
    value = median(float("inf") if sample is None else sample for sample in samples)
    return "not reached" if value == float("inf") else f"{value:,.0f}"


def _share(value: float) -> str:
    return f"{100.0 * value:.1f} %"


def _table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [titles, ["---", *("---:" for _ in titles[1:])], *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _circumstances(repetitions: int) -> str:
    root = PAGE.parents[1]
    asked = ("git", "-C", str(root), "rev-parse", "--short=12", "HEAD")
    commit = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip() or "unknown"
    spread = 100.0 * 1.96 * (ALPHA * (1.0 - ALPHA) / repetitions) ** 0.5
    return (
        f"{repetitions} rollouts of 100 looks each per line, seeds 0 to {repetitions - 1}, alpha {ALPHA}. A share near "
        f"5 % is known to about {spread:.1f} percentage points. Commit {commit}, Python {platform.python_version()}, "
        f"numpy {version('numpy')}, scipy {version('scipy')}."
    )


_INTRODUCTION = """\
# What the judge of rollouts keeps

`make proof` measures this page. It simulates rollouts whose truth is known and counts what is said of them. The judge
is looked at after every time stamp; it may be stopped at any of them. Beside it stand, on the same streams, a one-sided
z-test at 5 % of everything so far, and the Kayenta-compatible mode (`rollouts judge --method kayenta`)."""

_NULL_TEXT = """\
The treatment is as good as the control, or exactly as bad as the margin allows. A BREACH is a false alarm, and at most
5 % of the rollouts may have one. For rates, counts and shares beyond a quantile's threshold of independent observations
the bound is exact at any number of observations; for means it is asymptotic in the number of time stamps."""

_CORRELATED_TEXT = """\
Both arms follow the same law, but an observation resembles the one before it, or all of a time stamp share a level that
wanders. Nothing exact can be said here; the judge estimates how many observations count as one."""

_LEVELS_TEXT = """\
Both arms follow the same law, but at each time stamp either has a level of its own, whatever it is that makes some
minutes worse than others. With many observations a stamp the level is all that differs. A single stamp cannot tell
such a level from harm; it is assumed that rates vary by 35 % of themselves, and what is far beyond that decides."""

_HARM_TEXT = """\
The treatment is worse than the margin allows. The fixed test is asked once, at the end, with all samples."""

_SAFE_TEXT = "The treatment is as good as the control, and the margin says what would be too bad."

_AT_MARGIN_TEXT = """\
The treatment is exactly as bad as the margin allows, so that HEALTHY is wrong, and at most 5 % of the rollouts may have
one. For means that holds as far as the values that were seen tell of those that were not: what is rare and large, and
has not happened yet, nobody can rule out. The last line shows it."""

_LIMITS = """\
## What it does not keep

* A level of one arm that wanders slowly is a difference between the arms for as long as it stays: no judge can tell ten
  bad time stamps that will be over from ten that will not. Such streams, and levels hidden in the noise of the values,
  see more than 5 % false alarms at a margin of zero, as the tables show. A margin as wide as what wanders keeps them
  off.
* A whole time stamp that fails in the canary alone, as the first of its kind, is a BREACH, although a control might
  have had it too.
* Means need at least three time stamps, and in practice about eight, before the judge says anything of a harm that is
  small against the scatter of single values. Only a harm of some fifteen standard deviations is called at once.
* HEALTHY says nothing of values that are rare, large and not seen yet: a mean of 0.1 that comes from one value of 200
  in 2,000 is no mean at all until it comes. A rate or a quantile's share has no such values.
* A mean of unbounded values has no exact test. Beside the t-test, which is asymptotic, the judge bets on which arm is
  worse where the two are far apart. That is exact where a stamp's difference is symmetric around the margin, as it is
  where the arms follow the same law, and not where the canary alone gets a long tail and keeps its mean.
* One value a time stamp tells no more than which arm is worse: seven bad stamps are worth an e-value of at most 128, of
  which about 25 count. That is enough for one guardrail at alpha 0.05, not for two that share it."""


if __name__ == "__main__":
    main(sys.argv[1:])
