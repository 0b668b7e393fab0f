"""Drift of live traffic against the profile that is stored with the version."""

from __future__ import annotations

from datetime import timedelta

import pytest

from mlops_tui.analysis.profile_documents import dump_profile
from mlops_tui.domain.actions import Outcome
from mlops_tui.domain.drift import DriftVerdict
from mlops_tui.domain.drift_windows import ModelDrift, Stretch
from mlops_tui.domain.errors import InsufficientDataError, ReadOnlyError, UsageError
from mlops_tui.domain.profiles import ReferenceProfile
from mlops_tui.operations.actions import run
from mlops_tui.operations.evidence import read_evidence
from mlops_tui.operations.model_drift import feature_distribution, model_drift
from mlops_tui.operations.models import find_model, version_of
from mlops_tui.operations.reference_profiles import find_reference, prepare_profile
from mlops_tui.operations.session import Session
from tests.faults.proxy import FaultProxy
from tests.operations.company import Company
from tests.operations.serving import MODEL, PATH, VERSION, Customers, minutes, moment, serve, trained_profile
from tests.sandbox.factory import client

USUAL = Customers()


@pytest.fixture(scope="module")
def profile(tmp_path_factory: pytest.TempPathFactory) -> ReferenceProfile:
    return trained_profile(tmp_path_factory.mktemp("training"))


async def keep(session: Session, profile: ReferenceProfile) -> None:
    action = await prepare_profile(session, MODEL, VERSION, profile, "train.csv")
    assert action is not None
    assert (await run(session, action, "")).outcome is Outcome.DONE


async def drift(company: Company, session: Session, last: int, **options: object) -> ModelDrift:
    project = await company.project(session, PATH)
    return (await model_drift(session, project, MODEL, times=minutes(0, last), **options)).data  # type: ignore[arg-type]


async def test_a_change_is_seen_in_its_feature_and_its_window(company: Company, profile: ReferenceProfile) -> None:
    async with company.session() as session:
        await keep(session, profile)
        await serve(session, {0: USUAL, 1: USUAL, 2: Customers(shift=1.0)})
        seen = await drift(company, session, 3)
        amount = seen.feature("amount")
        assert amount is not None
        assert seen.features[0] is amount
        assert [item.verdict for item in amount.windows] == [DriftVerdict.OK, DriftVerdict.OK, DriftVerdict.DRIFT]
        assert [item.window.start for item in amount.windows] == [moment(0), moment(1), moment(2)]
        assert {item.verdict for item in seen.features[1:]} == {DriftVerdict.OK}
        assert (seen.current, seen.rows) == (Stretch(moment(2), timedelta(minutes=1)), 600)
        assert seen.reference is not None
        assert (seen.reference.profile_id, seen.reference.rows) == (profile.profile_id, 5_000)
        assert seen.reference.source == "stored with churn 1.1.0"
        assert seen.false_alarms.per_month == pytest.approx(5.0)
        assert seen.false_alarms.every == timedelta(minutes=1)


async def test_without_a_profile_nothing_is_called_unchanged(company: Company) -> None:
    async with company.session() as session:
        await serve(session, {0: USUAL})
        seen = await drift(company, session, 1)
        assert {item.feature for item in seen.features} == {"amount", "country", "prediction.score"}
        assert {item.verdict for item in seen.features} == {DriftVerdict.INVALID}
        assert seen.features[0].deciding.reason == "no reference profile is stored with churn 1.1.0"
        assert seen.rows == 600


async def test_without_traffic_there_is_no_verdict(company: Company, profile: ReferenceProfile) -> None:
    async with company.session() as session:
        await keep(session, profile)
        await serve(session, {0: USUAL})
        project = await company.project(session, PATH)
        seen = (await model_drift(session, project, MODEL, times=minutes(30, 40), version=VERSION)).data
        assert (seen.verdict, seen.current, seen.rows, seen.features) == (DriftVerdict.INSUFFICIENT, None, 0, ())
        nobody = await drift(company, session, 1, arm="shadow")
        assert (nobody.subject.arm, nobody.verdict) == ("shadow", DriftVerdict.INSUFFICIENT)


async def test_the_stable_arm_is_shown_first_and_the_canary_can_be_chosen(
    company: Company, profile: ReferenceProfile
) -> None:
    async with company.session() as session:
        await keep(session, profile)
        await serve(session, {0: USUAL}, rows=200)
        await serve(session, {0: Customers(shift=1.0)}, rows=500, version="2.0.0", arm="canary", first=10_000)
        await serve(session, {0: USUAL}, rows=900, project="acme/other", first=20_000)
        seen = await drift(company, session, 1)
        assert (seen.subject.version, seen.subject.arm, seen.rows) == (VERSION, "stable", 200)
        assert [(item.subject.arm, item.requests) for item in seen.subjects] == [("canary", 500), ("stable", 200)]
        canary = await drift(company, session, 1, arm="canary")
        assert (canary.subject.version, canary.rows) == ("2.0.0", 500)
        assert {item.verdict for item in canary.features} == {DriftVerdict.INVALID}


async def test_a_column_that_changed_its_type_spoils_no_other(company: Company, profile: ReferenceProfile) -> None:
    async with company.session() as session:
        await keep(session, profile)
        await serve(session, {0: Customers(as_text=True)})
        seen = await drift(company, session, 1)
        verdicts = {item.feature: item.verdict for item in seen.features}
        assert verdicts == {"amount": DriftVerdict.INVALID, "country": DriftVerdict.OK, "score": DriftVerdict.OK}
        assert "changed its type" in seen.features[0].deciding.reason


async def test_windows_can_be_made_wider_but_not_cut(company: Company, profile: ReferenceProfile) -> None:
    async with company.session() as session:
        await keep(session, profile)
        await serve(session, dict.fromkeys(range(4), USUAL), rows=150)
        narrow, wide = (
            await drift(company, session, 4),
            await drift(company, session, 4, width=timedelta(minutes=2)),
        )
        assert [item.n for item in narrow.features[0].windows] == [150] * 4
        assert [item.n for item in wide.features[0].windows] == [300] * 2
        assert wide.false_alarms.level == narrow.false_alarms.level == pytest.approx(5 / (30 * 24 * 60))
        assert (narrow.false_alarms.per_month, wide.false_alarms.per_month) == pytest.approx((5.0, 2.5))
        with pytest.raises(UsageError, match="those of the store are 1m wide"):
            await drift(company, session, 4, width=timedelta(seconds=90))


async def test_the_store_counts_by_the_profile_from_then_on(company: Company, profile: ReferenceProfile) -> None:
    async with company.session() as session:
        await keep(session, profile)
        await serve(session, {0: USUAL})
        first = await drift(company, session, 1)
        assert first.reference is not None
        assert first.reference.counted_from is None
    async with company.session() as session:
        await drift(company, session, 1)
        await serve(session, {1: USUAL}, first=600)
        later = await drift(company, session, 2)
        assert later.reference is not None
        assert (later.reference.counted_from, later.reference.is_counted) == (moment(0), True)
        assert [item.n for item in later.features[0].windows] == [600, 600]


async def test_a_profile_is_stored_once_and_fetched_once(company: Company, profile: ReferenceProfile) -> None:
    async with company.session() as session:
        await keep(session, profile)
        assert await prepare_profile(session, MODEL, VERSION, profile, "train.csv") is None
        project = await company.project(session, PATH)
        found = await find_reference(session, project, MODEL, VERSION)
        assert found is not None
        assert dump_profile(found.profile) == dump_profile(profile)
        version = version_of((await find_model(session, MODEL)).model, VERSION)
        assert all("profile" not in item.path for item in (await read_evidence(session, version)).artifacts)
        assert await find_reference(session, project, MODEL, "1.0.0") is None
    with FaultProxy(company.server.url) as proxy:
        async with company.session(url=proxy.url) as session:
            assert await find_reference(session, project, MODEL, VERSION) == found
        assert not [path for path in proxy.requests if path.endswith("/download")]


async def test_what_is_sent_is_the_file_that_was_previewed(company: Company, profile: ReferenceProfile) -> None:
    async with company.session() as session:
        action = await prepare_profile(session, MODEL, VERSION, profile, "train.csv")
        assert action is not None
        (call,) = action.preview.calls
        assert call.file is not None
        assert (call.file.name, call.file.size) == ("reference-profile.json", len(dump_profile(profile)))
        assert "--upload-file reference-profile.json" in call.as_curl("https://gitlab.example.com")
        assert "Authorization: Bearer" in call.as_curl("https://gitlab.example.com")
        await run(session, action, "")
        (intent, _) = session.journal.entries()
        assert call.file.sha256 in intent.payload
        assert "edges" not in intent.payload


async def test_a_reader_may_not_store(company: Company, profile: ReferenceProfile) -> None:
    async with company.session(is_read_only=True) as session:
        with pytest.raises(ReadOnlyError):
            await prepare_profile(session, MODEL, VERSION, profile, "train.csv")
    async with company.session("reporter") as session:
        action = await prepare_profile(session, MODEL, VERSION, profile, "train.csv")
        assert action is not None
        assert (await run(session, action, "")).outcome is Outcome.FAILED


async def test_a_damaged_profile_is_named_and_nothing_is_compared_with_it(
    company: Company, profile: ReferenceProfile
) -> None:
    async with company.session() as session:
        await keep(session, profile)
        await serve(session, {0: USUAL})
        version = version_of((await find_model(session, MODEL)).model, VERSION)
        path = f"/projects/{version.project.id}/packages/ml_models/{version.id}/files/drift/reference-profile.json"
        headers = {"Authorization": f"Bearer {company.server.tokens['maintainer']}"}
        cut = dump_profile(profile)[:-200]
        assert client(company.server).put(path, content=cut, headers=headers).status_code == 201
        session.known_references.clear()
        seen = await drift(company, session, 1)
        assert {item.verdict for item in seen.features} == {DriftVerdict.INVALID}
        assert "cut off or damaged" in seen.features[0].deciding.reason


async def test_a_window_is_laid_beside_the_reference(company: Company, profile: ReferenceProfile) -> None:
    async with company.session() as session:
        await keep(session, profile)
        await serve(session, {0: USUAL, 1: Customers(shift=2.0, missing=0.25, new=0.5)})
        project = await company.project(session, PATH)
        seen = await drift(company, session, 2)
        window = seen.features[0].windows[1].window
        amount = (await feature_distribution(session, project, seen.subject, "amount", window)).data
        assert (amount.n_reference, amount.n_current) == (5_000, 600)
        assert sum(cell.reference for cell in amount.cells) == 5_000
        assert sum(cell.current for cell in amount.cells) == 600
        assert len(amount.cells) <= 21
        assert [cell.label for cell in amount.cells if cell.label == "missing"] == ["missing"]
        country = (await feature_distribution(session, project, seen.subject, "country", window)).data
        assert [cell.label for cell in country.cells[-1:]] == ["new or rare"]
        assert country.cells[-1].reference == 0
        assert country.cells[-1].current == pytest.approx(300, abs=50)
        with pytest.raises(InsufficientDataError, match="no such feature"):
            await feature_distribution(session, project, seen.subject, "unheard", window)
