"""Drift of a stretch of traffic as CI jobs analyse it: counted, shared out, and kept with the version once."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from mlops_tui.analysis.drift_parts import Part, Share, ShareKind, merge_parts
from mlops_tui.analysis.observed import Observed, judged
from mlops_tui.analysis.thresholds import Limits
from mlops_tui.domain.actions import Outcome
from mlops_tui.domain.drift import DriftVerdict
from mlops_tui.domain.drift_reports import DriftReport
from mlops_tui.domain.drift_windows import Stretch
from mlops_tui.domain.errors import InsufficientDataError, UsageError
from mlops_tui.domain.models import ModelVersion
from mlops_tui.domain.profiles import ReferenceProfile, StoredProfile
from mlops_tui.domain.projects import Project
from mlops_tui.domain.runs import MetricHistory
from mlops_tui.domain.trace_queries import SubjectFilter
from mlops_tui.gitlab.metrics import metric_history
from mlops_tui.gitlab.runs import get_run
from mlops_tui.operations.actions import run
from mlops_tui.operations.drift import observe_files
from mlops_tui.operations.drift_evidence import drift_gap, drift_observation, drift_of
from mlops_tui.operations.models import read_version
from mlops_tui.operations.profile_sources import profile_traffic
from mlops_tui.operations.reconciliation import reconcile
from mlops_tui.operations.session import Session
from mlops_tui.operations.stored_reports import figures, newest_report, prepare_report
from mlops_tui.operations.traffic_drift import TrafficQuestion, observe_traffic
from tests.faults.proxy import FaultProxy, Replace
from tests.operations.company import Company
from tests.operations.serving import (
    MODEL,
    PATH,
    VERSION,
    Customers,
    columns,
    minutes,
    moment,
    serve,
    trained_profile,
)

USUAL = Customers()
MARKER = "drift.production.stable.3m.verdict"


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> StoredProfile:
    return StoredProfile(trained_profile(tmp_path_factory.mktemp("training")), "train.csv")


def question(first: float, last: float, *, is_rolling: bool = False) -> TrafficQuestion:
    asked = SubjectFilter(None, None, MODEL, VERSION)
    minute = timedelta(minutes=1)
    return TrafficQuestion(asked, moment(0) + first * minute, moment(0) + last * minute, is_rolling)


async def report(session: Session, stored: StoredProfile, last: int = 3) -> DriftReport:
    return judged(await observe_traffic(session, question(0, last), stored=stored))


async def version_of(session: Session, project: Project) -> ModelVersion:
    version = await read_version(session, project, MODEL, VERSION)
    assert version is not None
    return version


async def history(session: Session, project: Project, metric: str) -> MetricHistory:
    version = await version_of(session, project)
    found = await get_run(session.transport, project.ref, version.run_id)
    return await metric_history(session.transport, found, metric)


async def test_whole_windows_are_counted_and_no_others(company: Company, stored: StoredProfile) -> None:
    async with company.session() as session:
        await serve(session, dict.fromkeys(range(5), USUAL), rows=200)
        whole = await observe_traffic(session, question(0.5, 4.5), stored=stored)
        assert whole.traffic is not None
        assert whole.traffic.window == Stretch(moment(1), timedelta(minutes=3))
        assert {result.n_current for result in judged(whole).results} == {600}
        rolling = await observe_traffic(session, question(2.5, 4.5, is_rolling=True), stored=stored)
        assert rolling.traffic is not None
        assert rolling.traffic.window == Stretch(moment(2), timedelta(minutes=2))
        with pytest.raises(InsufficientDataError, match="windows are 1m wide"):
            await observe_traffic(session, question(0.2, 0.8), stored=stored)


async def test_requests_and_the_same_rows_in_a_file_give_the_same_figures(
    company: Company, stored: StoredProfile, tmp_path: Path
) -> None:
    customers = Customers(shift=0.2, new=0.02, missing=0.05)
    async with company.session() as session:
        await serve(session, {0: customers}, rows=900)
        of_traffic = judged(await observe_traffic(session, question(0, 1), stored=stored))
    rows = columns(customers, 900, 1_000)
    lines = [
        ",".join(str(row.get(key, "")) for key in ("ml.feature.amount", "ml.feature.country", "ml.prediction.score"))
        for row in rows
    ]
    table = tmp_path / "rows.csv"
    table.write_text("\n".join(["amount,country,score", *lines]) + "\n")
    assert of_traffic.results == judged(observe_files(stored, str(table))).results


@pytest.mark.parametrize("kind", list(ShareKind))
async def test_shares_of_the_traffic_make_the_whole(company: Company, stored: StoredProfile, kind: ShareKind) -> None:
    async with company.session() as session:
        await serve(session, {0: USUAL, 1: Customers(shift=0.3), 2: USUAL}, rows=300)
        parts = []
        for index in (1, 2):
            share = Share(index, 2, kind)
            parts.append(Part(share, await observe_traffic(session, question(0, 3), stored=stored, share=share)))
        whole: Observed = await observe_traffic(session, question(0, 3), stored=stored)
        assert judged(merge_parts(parts)) == judged(whole)


async def test_without_a_profile_there_is_nothing_to_compare_with(company: Company) -> None:
    async with company.session() as session:
        await serve(session, {0: USUAL})
        project = await company.project(session, PATH)
        with pytest.raises(InsufficientDataError, match="no reference profile is stored"):
            await observe_traffic(session, question(0, 1), project=project)


async def test_a_report_is_kept_once_and_found_again(company: Company, stored: StoredProfile) -> None:
    async with company.session() as session:
        project = await company.project(session, PATH)
        await serve(session, {0: USUAL, 1: USUAL, 2: Customers(shift=1.0)}, rows=300)
        made = await report(session, stored)
        action = await prepare_report(session, project, made)
        assert action is not None
        assert [call.file is not None for call in action.preview.calls] == [False, True]
        assert (await run(session, action, "")).outcome is Outcome.DONE
        assert await prepare_report(session, project, made) is None
        (point,) = (await history(session, project, MARKER)).points
        assert (point.step, point.value, point.timestamp) == (int(moment(3).timestamp()), 1.0, moment(3))
        logged = (await get_run(session.transport, project.ref, (await version_of(session, project)).run_id)).metrics
        assert {name: logged[name] for name in figures(made)} == figures(made)
        assert await newest_report(session, await version_of(session, project)) == made
        again = await prepare_report(session, project, await report(session, stored))
        assert again is None
        other = await prepare_report(session, project, await report(session, stored, last=2))
        assert other is not None


@pytest.mark.parametrize(
    ("fault", "settled"), [(Replace(502), Outcome.FAILED), (Replace(502, forward=True), Outcome.DONE)]
)
async def test_a_store_that_broke_off_goes_on_where_it_was(
    company: Company, stored: StoredProfile, fault: Replace, settled: Outcome
) -> None:
    async with company.session() as session:
        await serve(session, dict.fromkeys(range(3), USUAL), rows=300)
        made = await report(session, stored)
    with FaultProxy(company.server.url) as proxy:
        async with company.session(url=proxy.url) as session:
            project = await company.project(session, PATH)
            action = await prepare_report(session, project, made)
            assert action is not None
            proxy.play(fault, path="*/packages/ml_models/*")
            assert (await run(session, action, "")).outcome is Outcome.UNKNOWN
            proxy.clear()
            (receipt,) = await reconcile(session)
            assert receipt.outcome is settled
            action = await prepare_report(session, project, made)
            assert (action is None) is (settled is Outcome.DONE)
            if action is not None:
                assert [call.file is not None for call in action.preview.calls] == [True]
                assert (await run(session, action, "")).outcome is Outcome.DONE
            assert len((await history(session, project, MARKER)).points) == 1
            assert await newest_report(session, await version_of(session, project)) == made


async def test_a_report_of_a_file_or_of_an_unknown_version_is_not_kept(company: Company, stored: StoredProfile) -> None:
    async with company.session() as session:
        project = await company.project(session, PATH)
        with pytest.raises(UsageError, match="it is of a file"):
            await prepare_report(session, project, DriftReport(()))
        await serve(session, {0: USUAL}, version="9.9.9")
        asked = TrafficQuestion(SubjectFilter(None, None, MODEL), moment(0), moment(1))
        unknown = judged(await observe_traffic(session, asked, stored=stored))
        with pytest.raises(UsageError, match="has no such version"):
            await prepare_report(session, project, unknown)


async def test_an_approval_sees_the_drift_of_the_newest_window(company: Company, stored: StoredProfile) -> None:
    async with company.session() as session:
        project = await company.project(session, PATH)
        version = await version_of(session, project)
        assert await drift_of(session, version) is None
        assert drift_gap(None) == "The policy asks for the drift status: no drift report is stored with this version"
        await serve(session, {0: USUAL, 1: Customers(shift=1.0)}, rows=600)
        for first, last in ((1, 2), (0, 1)):
            found = judged(await observe_traffic(session, question(first, last), stored=stored), Limits(level=0.01))
            action = await prepare_report(session, project, found)
            assert action is not None
            await run(session, action, "")
        newest = await drift_of(session, version)
        assert newest is not None
        assert newest.verdict is DriftVerdict.DRIFT
        seen = drift_observation(newest, session.clock.now())
        assert (seen.as_of, seen.is_available) == (moment(2), True)
        assert seen.text == "amount of 3 features (stable production)"
        assert drift_gap(newest) == "Drift: amount of 3 features"


async def test_a_profile_is_made_of_requests(company: Company, stored: StoredProfile) -> None:
    async with company.session() as session:
        await serve(session, {0: USUAL, 1: USUAL, 2: Customers(shift=5.0)}, rows=700)
        project = await company.project(session, PATH)
        asked = SubjectFilter(None, None, MODEL, VERSION)
        made, subject = await profile_traffic(session, project, asked, minutes(0, 2), None, 50)
        assert (subject.arm, subject.environment) == ("stable", "production")
        profile: ReferenceProfile = made.profile
        assert {feature.name: feature.kind.value for feature in profile.features} == {
            "amount": "numeric",
            "country": "categorical",
            "prediction.score": "score",
        }
        assert {feature.counts.n for feature in profile.features} == {1_400}
        later = judged(
            await observe_traffic(session, question(0, 1), stored=StoredProfile(profile, "the traffic")),
        )
        assert later.verdict is DriftVerdict.OK
        with pytest.raises(InsufficientDataError, match="had no requests"):
            await profile_traffic(session, project, asked, minutes(20, 30), None, 50)
