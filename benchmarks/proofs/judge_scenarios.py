"""The streams of traffic that the proof of the judge simulates."""

from __future__ import annotations

from scipy.special import ndtri

from benchmarks.proofs.rollout_streams import (
    Scenario,
    at_seven_of_ten,
    bernoulli,
    beyond,
    changing,
    clumps,
    lognormal,
    noisy,
    normal,
    poisson,
    rates_of_stamps,
    shocked,
    slow_stamps,
    times,
    wandering,
    with_rare,
)
from mlops_tui.domain.policy import GuardrailKind, MarginKind

_RATE, _COUNT, _MEAN, _QUANTILE = GuardrailKind.RATE, GuardrailKind.COUNT, GuardrailKind.MEAN, GuardrailKind.QUANTILE
_P95 = float(ndtri(0.95))

NULL = (
    Scenario("rate 1 %, 200 a look", _RATE, 0.0, 200, bernoulli(0.01), bernoulli(0.01)),
    Scenario("rate 5 %, 50 a look", _RATE, 0.0, 50, bernoulli(0.05), bernoulli(0.05)),
    Scenario("rate 5 % at its margin of 1 %", _RATE, 0.01, 100, bernoulli(0.05), bernoulli(0.06)),
    Scenario("count of 3", _COUNT, 0.0, 10, poisson(0.3), poisson(0.3)),
    Scenario("mean, normal, 50 a look", _MEAN, 0.0, 50, normal(0.0), normal(0.0)),
    Scenario("mean, normal, 1 a look", _MEAN, 0.0, 1, normal(0.0), normal(0.0)),
    Scenario("mean, lognormal (sd of log 1), 50 a look", _MEAN, 0.0, 50, lognormal(1.0), lognormal(1.0)),
    Scenario("mean, lognormal (sd of log 1), 1 a look", _MEAN, 0.0, 1, lognormal(1.0), lognormal(1.0)),
    Scenario("mean, variance of the canary 25 times", _MEAN, 0.0, 20, normal(0.0), normal(0.0, 5.0)),
    Scenario("the same, 1 a look", _MEAN, 0.0, 1, normal(0.0), normal(0.0, 5.0)),
    Scenario("p95, 50 a look", _QUANTILE, 0.0, 50, beyond(_P95, normal(0.0)), beyond(_P95, normal(0.0))),
    Scenario("rate 1 %, 950 and 50 a look", _RATE, 0.0, 950, bernoulli(0.01), bernoulli(0.01), treatment_size=50),
    Scenario(
        "rate 5 % at its relative margin of 20 %, 950 and 50 a look",
        _RATE, 0.2, 950, bernoulli(0.05), bernoulli(0.06), treatment_size=50, margin_kind=MarginKind.RELATIVE,
    ),
    Scenario(
        "mean, lognormal (sd of log 1.5), 95 and 5 a look",
        _MEAN, 0.0, 95, lognormal(1.5), lognormal(1.5), treatment_size=5,
    ),
    Scenario(
        "mean, lognormal (sd of log 1) at its relative margin of 20 %, 20 a look",
        _MEAN, 0.2, 20, lognormal(1.0), times(1.2, lognormal(1.0)), margin_kind=MarginKind.RELATIVE,
    ),
    Scenario("mean, normal, 1 a look, 500 looks", _MEAN, 0.0, 1, normal(0.0), normal(0.0), 500),
)  # fmt: skip
CORRELATED = (
    Scenario("mean, AR(1) 0.6, 1 a look", _MEAN, 0.0, 1, wandering(0.0, 0.6), wandering(0.0, 0.6)),
    Scenario("mean, AR(1) 0.9, 1 a look", _MEAN, 0.0, 1, wandering(0.0, 0.9), wandering(0.0, 0.9)),
    Scenario("mean, AR(1) 0.99, 1 a look", _MEAN, 0.0, 1, wandering(0.0, 0.99), wandering(0.0, 0.99)),
    Scenario("mean, AR(1) 0.9, 50 a look", _MEAN, 0.0, 50, wandering(0.0, 0.9), wandering(0.0, 0.9)),
    Scenario("mean, level AR(1) 0.9 of sd 1, 50 a look", _MEAN, 0.0, 50, shocked(1.0, 0.9), shocked(1.0, 0.9)),
    Scenario("mean, level AR(1) 0.9 of sd 0.2, 50 a look", _MEAN, 0.0, 50, shocked(0.2, 0.9), shocked(0.2, 0.9)),
    Scenario("rate, up to 10 errors at 5 % of the stamps, 10 a look", _RATE, 0.0, 10, clumps(0.05), clumps(0.05)),
    Scenario(
        "rate 5 %, AR(1) 0.9 behind it, 50 a look",
        _RATE, 0.0, 50, beyond(_P95, wandering(0.0, 0.9)), beyond(_P95, wandering(0.0, 0.9)),
    ),
    Scenario(
        "p95, AR(1) 0.9 behind it, 50 a look",
        _QUANTILE, 0.0, 50, beyond(_P95, wandering(0.0, 0.9)), beyond(_P95, wandering(0.0, 0.9)),
    ),
    Scenario(
        "p95, level AR(1) 0.9 of sd 1, 10 a look",
        _QUANTILE, 0.0, 10, beyond(_P95 * 2**0.5, shocked(1.0, 0.9)), beyond(_P95 * 2**0.5, shocked(1.0, 0.9)),
    ),
    Scenario(
        "p50, AR(1) 0.9 behind it, 20 a look",
        _QUANTILE, 0.0, 20, beyond(0.0, wandering(0.0, 0.9)), beyond(0.0, wandering(0.0, 0.9)),
    ),
)  # fmt: skip
_OWN_RATES, _WILD_RATES = rates_of_stamps(0.05, 0.25), rates_of_stamps(0.05, 0.4)
_WANDERING_RATES = rates_of_stamps(0.05, 0.2, 0.9)
STAMP_LEVELS = (
    Scenario("rate 5 %, at each stamp its own of 2 % to 10 %, 1,000 a look", _RATE, 0.0, 1_000, _OWN_RATES, _OWN_RATES),
    Scenario("the same, 100 a look", _RATE, 0.0, 100, _OWN_RATES, _OWN_RATES),
    Scenario("p95 by the same law, 1,000 a look", _QUANTILE, 0.0, 1_000, _OWN_RATES, _OWN_RATES),
    Scenario(
        "rate 5 %, at each stamp its own of 1 % to 13 %, 1,000 a look", _RATE, 0.0, 1_000, _WILD_RATES, _WILD_RATES
    ),
    Scenario(
        "rate 5 %, wandering by AR(1) 0.9 over 2 % to 8 %, 1,000 a look",
        _RATE, 0.0, 1_000, _WANDERING_RATES, _WANDERING_RATES,
    ),
    Scenario("the same as p95", _QUANTILE, 0.0, 1_000, _WANDERING_RATES, _WANDERING_RATES),
    Scenario("mean, at each stamp a level of sd 3, 50 a look", _MEAN, 0.0, 50, shocked(3.0, 0.0), shocked(3.0, 0.0)),
    Scenario(
        "mean, 5 % of the stamps 5 times slower, relative margin of 10 %, 50 a look",
        _MEAN, 0.1, 50, slow_stamps(0.05, 5.0, lognormal(0.3)), slow_stamps(0.05, 5.0, lognormal(0.3)),
        margin_kind=MarginKind.RELATIVE,
    ),
)  # fmt: skip
HARM = (
    Scenario("rate 1 % to 2 %", _RATE, 0.0, 100, bernoulli(0.01), bernoulli(0.02)),
    Scenario("rate 5 % to 6 %", _RATE, 0.0, 200, bernoulli(0.05), bernoulli(0.06)),
    Scenario("rate 0 % to 1 %", _RATE, 0.001, 100, bernoulli(0.0), bernoulli(0.01)),
    Scenario("rate 1 % to 5 %, margin 0.5 %", _RATE, 0.005, 100, bernoulli(0.01), bernoulli(0.05)),
    Scenario(
        "rate 1 % to 5 % from look 51 on, margin 0.5 %",
        _RATE, 0.005, 100, bernoulli(0.01), changing(bernoulli(0.01), bernoulli(0.05), 50),
    ),
    Scenario(
        "rate 1 % to 50 % from look 51 on, margin 2 %, 75 a look",
        _RATE, 0.02, 75, bernoulli(0.01), changing(bernoulli(0.01), bernoulli(0.5), 50),
    ),
    Scenario("count of 3 to 4", _COUNT, 0.0, 10, poisson(0.3), poisson(0.4)),
    Scenario("mean by 0.1 sd", _MEAN, 0.0, 50, normal(0.0), normal(0.1)),
    Scenario("mean by 0.5 sd", _MEAN, 0.0, 50, normal(0.0), normal(0.5)),
    Scenario("mean by 1 sd, 1 a look", _MEAN, 0.0, 1, normal(0.0), normal(1.0)),
    Scenario(
        "mean 100 times worse at 7 of 10 stamps, noise of 10 %, 1 a look",
        _MEAN, 10.0, 1, noisy(100.0, 0.1), at_seven_of_ten(noisy(100.0, 0.1), noisy(10_000.0, 0.1)), 10,
    ),
    Scenario(
        "the same with noise of 30 %",
        _MEAN, 10.0, 1, noisy(100.0, 0.3), at_seven_of_ten(noisy(100.0, 0.3), noisy(10_000.0, 0.3)), 10,
    ),
    Scenario(
        "p95 exceeded by 10 %, margin 1 %",
        _QUANTILE, 0.01, 100, beyond(_P95, normal(0.0)), beyond(float(ndtri(0.9)), normal(0.0)),
    ),
)  # fmt: skip
SAFE = (
    Scenario("rate 1 %, margin 0.5 %", _RATE, 0.005, 200, bernoulli(0.01), bernoulli(0.01)),
    Scenario("rate 5 %, margin 1 %", _RATE, 0.01, 200, bernoulli(0.05), bernoulli(0.05)),
    Scenario("mean, margin 0.2 sd", _MEAN, 0.2, 50, normal(0.0), normal(0.0)),
    Scenario(
        "p95, margin 2 %", _QUANTILE, 0.02, 200, beyond(_P95, normal(0.0)), beyond(_P95, normal(0.0))
    ),
)  # fmt: skip
AT_MARGIN = (
    Scenario("rate 5 % to 6 %, 200 a look", _RATE, 0.01, 200, bernoulli(0.05), bernoulli(0.06)),
    Scenario(
        "rate 1 % to 1.5 %, a relative margin, 950 and 50 a look",
        _RATE, 0.5, 950, bernoulli(0.01), bernoulli(0.015), treatment_size=50, margin_kind=MarginKind.RELATIVE,
    ),
    Scenario("mean, normal, by 0.2 sd, 50 a look", _MEAN, 0.2, 50, normal(0.0), normal(0.2)),
    Scenario(
        "mean, lognormal (sd of log 1) by 20 %, 950 and 50 a look",
        _MEAN, 0.2, 950, lognormal(1.0), times(1.2, lognormal(1.0)), treatment_size=50, margin_kind=MarginKind.RELATIVE,
    ),
    Scenario(
        "mean of rare values: one in 1,000 to two in 1,000 of 100, 950 and 50 a look",
        _MEAN, 0.1, 950, with_rare(normal(0.0, 0.01), 0.001, 100.0), with_rare(normal(0.0, 0.01), 0.002, 100.0),
        treatment_size=50,
    ),
    Scenario(
        "mean of rare values: none to one in 2,000 of 200, 50 a look",
        _MEAN, 0.1, 50, normal(10.0, 0.2), with_rare(normal(10.0, 0.2), 0.0005, 200.0),
    ),
)  # fmt: skip
