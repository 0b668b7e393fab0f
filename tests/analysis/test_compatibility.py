"""The numbers of Evidently and NannyML, as they said themselves (``tests/fixtures/drift/generate.py``)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mlops_tui.analysis.compatibility import compare_like
from mlops_tui.analysis.raw_columns import RawColumn, RawNumbers, RawTexts, Unusable
from mlops_tui.domain.drift import Compatibility, DriftResult, DriftVerdict, FeatureKind, Statistic
from tests.fixtures.drift.inputs import categorical_inputs, digest_of, numeric_inputs

FOLDER = Path(__file__).parents[1] / "fixtures" / "drift"
INPUTS: dict[tuple[str, str], Any] = {
    **{("numeric", name): pair for name, pair in numeric_inputs().items()},
    **{("categorical", name): pair for name, pair in categorical_inputs().items()},
}
EVIDENTLY = {
    "psi": Statistic.PSI,
    "ks": Statistic.KS,
    "jensenshannon": Statistic.JS_LN,
    "wasserstein": Statistic.WASSERSTEIN_NORMED,
    "hellinger": Statistic.HELLINGER,
    "chisquare": Statistic.CHI2,
    "TVD": Statistic.TVD,
    "K-S p_value": Statistic.KS,
    "Jensen-Shannon distance": Statistic.JS_LN,
    "Wasserstein distance (normed)": Statistic.WASSERSTEIN_NORMED,
    "chi-square p_value": Statistic.CHI2,
}
NANNYML = {
    "jensen_shannon": Statistic.JS_2,
    "hellinger": Statistic.HELLINGER,
    "kolmogorov_smirnov": Statistic.KS,
    "wasserstein": Statistic.WASSERSTEIN,
    "l_infinity": Statistic.LINF,
    "chi2": Statistic.CHI2,
}
P_VALUES = {Statistic.KS, Statistic.CHI2, Statistic.TVD}


def recorded(tool: Compatibility) -> list[Any]:
    cases = json.loads((FOLDER / f"{tool.value}.json").read_text("utf-8"))["cases"]
    return [pytest.param(case, id=f"{case['kind']} {case['name']}") for case in cases]


def raw(kind: FeatureKind, side: Any) -> RawColumn:
    return RawTexts(side) if kind is FeatureKind.CATEGORICAL else RawNumbers(np.array(side))


def compared(tool: Compatibility, case: dict[str, Any]) -> dict[Statistic, DriftResult]:
    pair = INPUTS[case["kind"], case["name"]]
    assert digest_of(pair) == case["digest"], "the inputs are not those that the tool was given"
    kind = FeatureKind(case["kind"])
    reference, current = (raw(kind, side) for side in pair)
    results = compare_like(tool, "x", kind, reference, current)
    assert all((result.n_reference, result.n_current) == tuple(map(len, pair)) for result in results)
    return {result.statistic: result for result in results}


@pytest.mark.parametrize("case", recorded(Compatibility.EVIDENTLY))
def test_the_figures_and_rules_are_those_of_evidently(case: dict[str, Any]) -> None:
    results = compared(Compatibility.EVIDENTLY, case)
    for method, figure in case["figures"].items():
        result = results[EVIDENTLY[method]]
        ours = result.p_value if result.statistic in P_VALUES else result.value
        if figure["score"] == "nan":
            assert ours is None
        else:
            assert ours == pytest.approx(figure["score"], rel=1e-9, abs=1e-12), method
        assert (result.verdict is DriftVerdict.DRIFT) == figure["drift"], method
    chosen = {EVIDENTLY[case["chosen"]["method"]]} if case["chosen"]["method"] in EVIDENTLY else set()
    assert {result.statistic for result in results.values() if result.decides} == chosen


@pytest.mark.parametrize("case", recorded(Compatibility.NANNYML))
def test_the_figures_and_rules_are_those_of_nannyml(case: dict[str, Any]) -> None:
    results = compared(Compatibility.NANNYML, case)
    assert set(results) == {NANNYML[method] for method in case["figures"]}
    for method, figure in case["figures"].items():
        result = results[NANNYML[method]]
        assert result.value == pytest.approx(figure["value"], rel=1e-9, abs=1e-9), method
        if result.statistic is Statistic.CHI2:
            assert result.p_value == pytest.approx(figure["p_value"], rel=1e-9)
        else:
            assert result.threshold == pytest.approx(figure["threshold"], rel=1e-9, abs=1e-9), method
        assert (result.verdict is DriftVerdict.DRIFT) == figure["alert"], method


@pytest.mark.parametrize("tool", list(Compatibility))
def test_what_a_tool_would_give_up_on_is_said_for_that_column_alone(tool: Compatibility) -> None:
    numbers, texts = RawNumbers(np.arange(50.0)), RawTexts(["a"] * 50)
    cases: list[tuple[RawColumn, RawColumn, str]] = [
        (numbers, RawNumbers(np.full(9, np.nan)), "no finite values"),
        (numbers, RawTexts(["abc", "abc"]), "text"),
        (numbers, Unusable("it holds dates"), "dates"),
        (Unusable("it holds dates"), numbers, "in the reference it holds dates"),
        (texts, RawTexts([None, None]), "no values"),
    ]
    for reference, current, words in cases:
        kind = FeatureKind.CATEGORICAL if reference is texts else FeatureKind.NUMERIC
        (result,) = compare_like(tool, "x", kind, reference, current)
        assert result.verdict is DriftVerdict.INVALID
        assert words in result.reason


def test_an_empty_window_is_too_little_and_not_invalid() -> None:
    (result,) = compare_like(Compatibility.NANNYML, "x", None, RawNumbers(np.arange(50.0)), RawNumbers(np.empty(0)))
    assert result.verdict is DriftVerdict.INSUFFICIENT


def test_evidently_takes_few_different_whole_numbers_for_categories() -> None:
    column = RawNumbers(np.arange(200.0) % 4, is_whole=True)
    results = compare_like(Compatibility.EVIDENTLY, "x", None, column, column)
    assert {result.kind for result in results} == {FeatureKind.CATEGORICAL}
    fractions = RawNumbers(np.arange(200.0) % 4)
    results = compare_like(Compatibility.EVIDENTLY, "x", None, fractions, fractions)
    assert {result.kind for result in results} == {FeatureKind.NUMERIC}


def test_evidently_takes_texts_that_hardly_repeat_for_prose() -> None:
    column = RawTexts([f"id-{place}" for place in range(100)])
    (result,) = compare_like(Compatibility.EVIDENTLY, "x", None, column, column)
    assert (result.verdict, "prose" in result.reason) == (DriftVerdict.INVALID, True)
    assert len(compare_like(Compatibility.EVIDENTLY, "x", FeatureKind.CATEGORICAL, column, column)) > 1


def test_nannyml_has_no_threshold_without_ten_rows() -> None:
    column = RawNumbers(np.arange(5.0))
    results = compare_like(Compatibility.NANNYML, "x", None, column, column)
    assert {(result.threshold, result.verdict) for result in results} == {(None, DriftVerdict.OK)}
