"""The quality of live traffic: realised where labels came in, estimated where not, and whether the two agree."""

from __future__ import annotations

from datetime import timedelta

import pytest

from mlops_tui.domain.drift_windows import Stretch
from mlops_tui.domain.errors import UsageError
from mlops_tui.domain.quality import ModelQuality, OutputWish, QualityFigure, QualityMetric, QualityTask, QualityWindow
from mlops_tui.operations.quality import model_quality
from mlops_tui.operations.session import Session
from tests.operations.company import Company
from tests.operations.labelling import THRESHOLD, Truths, judge
from tests.operations.serving import MODEL, PATH, Customers, minutes, moment, serve

USUAL = Truths()
PAST = dict.fromkeys(range(-3, 0), USUAL)


async def quality(company: Company, session: Session, last: int, **options: object) -> ModelQuality:
    project = await company.project(session, PATH)
    return (await model_quality(session, project, MODEL, times=minutes(0, last), **options)).data  # type: ignore[arg-type]


def figure(window: QualityWindow, metric: QualityMetric, *, is_estimate: bool = False) -> QualityFigure:
    found = window.figure(metric, is_estimate=is_estimate)
    assert found is not None
    return found


async def test_labels_and_scores_tell_of_every_window(company: Company) -> None:
    async with company.session() as session:
        await judge(
            session, {**PAST, 0: USUAL, 1: Truths(labelled=0.0), 2: Truths(labelled=0.5, level=0.7, errors=0.1)}
        )
        seen = await quality(company, session, 3)
    assert [window.window for window in seen.windows] == [
        Stretch(moment(minute), timedelta(minutes=1)) for minute in range(3)
    ]
    assert [window.predictions for window in seen.windows] == [300, 300, 300]
    assert [window.labelled_share for window in seen.windows] == pytest.approx([1.0, 0.0, 0.5], abs=0.08)
    assert seen.windows[1].realised == ()
    outputs = seen.outputs
    assert outputs is not None
    assert (outputs.task, outputs.output, outputs.decision, outputs.score) == (
        *(QualityTask.BINARY, "label", "label", "score"),
    )
    assert outputs.positive == "leaves"
    assert outputs.threshold == pytest.approx(THRESHOLD, abs=0.01)
    assert len(outputs.reasons) == 2
    for window in (seen.windows[0], seen.windows[2]):
        expected = figure(window, QualityMetric.AUC, is_estimate=True)
        assert expected.lower is not None
        assert expected.upper is not None
        assert expected.lower - 0.03 <= (figure(window, QualityMetric.AUC).value or 0.0) <= expected.upper + 0.03
        assert window.check is not None
        assert not window.check.is_contradicted
    assert seen.whole.labelled == sum(window.labelled for window in seen.windows)
    assert (seen.calibration.rows, seen.calibration.is_fitted) == (900, False)
    assert [part.requests for part in seen.traffic] == [300, 300, 300]
    assert seen.traffic[2].error_share == pytest.approx(0.1, abs=0.05)
    assert seen.traffic[2].error_lower < 0.1 < seen.traffic[2].error_upper
    assert seen.traffic[0].p95 == pytest.approx(0.005, rel=0.03)


async def test_a_changed_concept_is_seen_by_labels_alone_and_the_estimate_is_called_wrong(company: Company) -> None:
    async with company.session() as session:
        await judge(session, {**PAST, 0: USUAL, 1: USUAL, 2: Truths(turned=0.5)})
        seen = await quality(company, session, 3)
    before, after = seen.windows[1], seen.windows[2]
    promised = [figure(window, QualityMetric.ACCURACY, is_estimate=True).value for window in (before, after)]
    assert promised[0] == pytest.approx(promised[1], abs=0.03)
    assert (figure(after, QualityMetric.ACCURACY).value or 1.0) < (figure(before, QualityMetric.ACCURACY).value or 0.0)
    checks = [window.check.is_contradicted for window in seen.windows if window.check]
    assert checks == [False, False, True]


async def test_without_any_label_or_profile_scores_still_make_an_estimate(company: Company) -> None:
    async with company.session() as session:
        await serve(session, {0: Customers()})
        seen = await quality(company, session, 1)
    assert seen.outputs is not None
    assert seen.outputs.reasons[0] == "no label has come in: score is taken as the probability of the positive class"
    assert figure(seen.windows[0], QualityMetric.ACCURACY, is_estimate=True).value == pytest.approx(0.75, abs=0.03)
    assert seen.windows[0].realised == ()
    assert seen.calibration.reason == "no earlier label says whether scores are probabilities"


async def test_a_country_where_the_model_fails_stands_out(company: Company) -> None:
    async with company.session() as session:
        await judge(session, {0: Truths(worse_in="fr"), 1: Truths(worse_in="fr")})
        seen = await quality(company, session, 2, by="country")
        by_arm = await quality(company, session, 2, by="arm")
    assert {part.value for part in seen.slices} == {"de", "fr", "us"}
    assert [part.value for part in seen.slices if part.is_conspicuous] == ["fr"]
    assert sum(part.n for part in seen.slices) == seen.whole.labelled
    assert [(part.value, part.p_value) for part in by_arm.slices] == [("stable", None)]


async def test_what_a_person_says_wins_and_must_fit(company: Company) -> None:
    async with company.session() as session:
        await judge(session, {0: USUAL})
        wish = OutputWish(positive="stays", threshold=0.9)
        seen = await quality(company, session, 1, wish=wish)
        assert seen.outputs is not None
        assert (seen.outputs.positive, seen.outputs.threshold, seen.outputs.reasons) == ("stays", 0.9, ())
        with pytest.raises(UsageError, match="the classes are leaves, stays"):
            await quality(company, session, 1, wish=OutputWish(positive="comes"))
        with pytest.raises(UsageError, match="labels came in for label"):
            await quality(company, session, 1, wish=OutputWish(output="price"))


async def test_windows_are_wider_on_request_and_nothing_is_nothing(company: Company) -> None:
    async with company.session() as session:
        await judge(session, {0: USUAL, 1: USUAL})
        seen = await quality(company, session, 2, width=timedelta(minutes=2))
        assert [(window.window.width, window.predictions) for window in seen.windows] == [(timedelta(minutes=2), 600)]
        later = (await model_quality(session, await company.project(session, PATH), MODEL, times=minutes(30, 40))).data
        assert (later.windows, later.whole.predictions, later.outputs) == ((), 0, None)
