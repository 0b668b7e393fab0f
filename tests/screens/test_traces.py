"""Traces on the screen: traffic of arms, finding requests, reading one, and going where it came from."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from textual.pilot import Pilot
from textual.widgets import Input

from mlops_tui.domain.contexts import Context
from mlops_tui.domain.trace_sources import TraceSource, TraceSourceKind
from mlops_tui.screens.job_log import JobLogView
from mlops_tui.screens.trace import TraceView
from mlops_tui.screens.traces import TracesView, look_interval
from mlops_tui.screens.version import VersionView
from mlops_tui.widgets.chooser import Chooser
from mlops_tui.widgets.details import DetailsDialog
from mlops_tui.widgets.header import Connection
from tests.operations.company import Company
from tests.screens.console import Console, console, opened, until
from tests.screens.trace_traffic import store
from tests.screens.traced_company import observed, seen, spans_of, unobserved

__all__ = ["observed", "seen", "unobserved"]

NEWEST = f"{180:032x}"
LABELLED = f"{179:032x}"


@asynccontextmanager
async def on_traces(
    company: Company, *, size: tuple[int, int] = (140, 40), **chosen: Any
) -> AsyncIterator[tuple[Console, Pilot[Any]]]:
    app = console(company, "traces", **chosen)
    async with app.run_test(size=size, notifications=True) as pilot:
        await until(pilot, lambda: app.rows("traces-table") and app.rows("traffic-table"))
        yield app, pilot


async def opened_trace(app: Console, pilot: Pilot[Any], trace_id: str) -> None:
    app.table("traces-table").go_to(trace_id)
    app.table("traces-table").focus()
    await pilot.press("enter")
    await until(pilot, lambda: isinstance(app.screen, TraceView) and app.rows("waterfall-table"))
    await pilot.pause()


async def typed_filter(pilot: Pilot[Any], text: str) -> None:
    await pilot.press("slash")
    await until(pilot, lambda: isinstance(pilot.app.focused, Input))
    pilot.app.screen.query_one(Input).value = text
    await pilot.press("enter")


async def commanded(pilot: Pilot[Any], text: str) -> None:
    await pilot.press("colon")
    await until(pilot, lambda: isinstance(pilot.app.focused, Input))
    pilot.app.screen.query_one(Input).value = text
    await pilot.press("enter")


def facts(app: Console, name: str = "span-table") -> dict[str, list[str]]:
    return {row[0]: row[1:] for row in app.rows(name)}


async def test_each_arm_has_its_rate_errors_latency_and_how_it_was_found(observed: Company) -> None:
    async with on_traces(observed) as (app, _):
        rows = app.rows("traffic-table")
        every, stable, canary, features, requests = rows
        assert every[0].endswith("All")
        assert stable[:5] == ["fraud", "2.0.0", "stable", "5.0/min", "0"]
        assert canary[:5] == ["fraud", "2.1.0", "canary", "1.0/min", "10 33%"]
        assert [row[0] for row in (features, requests)] == ["(feature-store)", "(fraud-api)"]
        assert [float(text.removesuffix("ms")) for text in stable[5:8]] == [11.5, 13.0, 13.0]
        assert (stable[8], stable[9], canary[9], stable[12], stable[13]) == (
            "exact",
            "150",
            "30",
            "production",
            "fraud-api",
        )
        assert len(stable[11]) >= 5


async def test_choosing_an_arm_narrows_the_traces_and_esc_lists_them_all_again(observed: Company) -> None:
    async with on_traces(observed) as (app, pilot):
        assert app.rows("traces-table")[0][1:6] == ["ground_truth", "", "", "", "✓ ok"]
        await pilot.press("down", "down", "enter")
        await until(pilot, lambda: len(app.rows("traces-table")) == 30, passing=0.3)
        assert {tuple(row[2:5]) for row in app.rows("traces-table")} == {("fraud", "2.1.0", "canary")}
        assert "Traces of fraud 2.1.0 canary in production" in app.texts()
        await pilot.press("escape")
        await until(pilot, lambda: len(app.rows("traces-table")) == 181, passing=0.3)


async def test_a_filter_is_asked_of_the_store_and_what_it_cannot_answer_of_the_spans(observed: Company) -> None:
    async with on_traces(observed) as (app, pilot):
        await typed_filter(pilot, "model = fraud and arm = canary and status = error and duration > 15ms")
        await until(pilot, lambda: len(app.rows("traces-table")) == 10, passing=0.3)
        assert {row[5] for row in app.rows("traces-table")} == {"✗ 2 err"}
        await pilot.press("escape")
        await typed_filter(pilot, "features.amount >= 185 and not arm = canary")
        await until(pilot, lambda: len(app.rows("traces-table")) == 5, passing=0.3)
        assert "looked into 181" in app.texts()
        await pilot.press("escape")
        await typed_filter(pilot, "!canary|stable")
        await until(pilot, lambda: [row[1] for row in app.rows("traces-table")] == ["ground_truth"], passing=0.3)


async def test_a_filter_that_cannot_be_read_shows_where(observed: Company) -> None:
    async with on_traces(observed) as (app, pilot):
        await typed_filter(pilot, "model = fraud and took > 5ms")
        await until(pilot, lambda: "column 19: there is no such field" in app.texts())
        assert len(app.rows("traces-table")) == 181


async def test_spans_that_arrive_are_shown_at_the_next_look_and_not_while_paused(observed: Company) -> None:
    late = [replace(span, trace_id=f"{999:032x}", name="late") for span in spans_of(observed)[-5:-4]]
    async with on_traces(observed) as (app, pilot):
        await pilot.press("p")
        await store(observed.folder / "maintainer", late)
        await app.pass_time(30)
        await pilot.pause()
        assert "paused" in app.texts()
        assert len(app.rows("traces-table")) == 181
        await pilot.press("p")
        await until(pilot, lambda: len(app.rows("traces-table")) == 182, passing=1)


async def test_where_nothing_was_sent_yet_it_tells_how_to(unobserved: Company) -> None:
    app = console(unobserved, "traces")
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await until(pilot, lambda: "OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318" in app.texts())
        assert "mlops-tui traces collect --port 4318" in app.texts()
        assert not app.notices()
        await store(unobserved.folder / "maintainer", spans_of(unobserved))
        await until(pilot, lambda: len(app.rows("traces-table")) == 181, passing=1)
        await until(pilot, lambda: "OTEL_EXPORTER" not in app.texts(), passing=1)


async def test_old_traffic_is_found_by_looking_further_back(observed: Company) -> None:
    observed.sandbox_clock.advance(3 * 3600)
    app = console(observed, "traces")
    async with app.run_test(size=(140, 40), notifications=True) as pilot:
        await until(pilot, lambda: "No spans in the last hour; a looks further back." in app.texts())
        await pilot.press("a", *"24", "enter")
        await until(pilot, lambda: len(app.rows("traces-table")) == 181, passing=0.3)
        assert "Traffic of the last 24 hours" in app.texts()


async def test_the_trend_shows_rate_then_latency_then_errors(observed: Company) -> None:
    async with on_traces(observed) as (app, pilot):
        seen = set()
        for title in ("RATE TREND", "P95 TREND", "ERROR TREND"):
            assert title in app.texts()
            seen.add(app.rows("traffic-table")[2][11])
            await pilot.press("m")
        assert len(seen) == 3
        assert "RATE TREND" in app.texts()


async def test_a_store_says_nothing_about_gitlab(observed: Company) -> None:
    app = console(observed, "traces", url="http://127.0.0.1:9")
    async with app.run_test(size=(140, 40), notifications=True) as pilot:
        await until(pilot, lambda: app.rows("traces-table"))
        assert app.standing.connection is Connection.READY


async def test_a_trace_shows_who_called_whom_on_one_clock_and_its_critical_path(observed: Company) -> None:
    async with on_traces(observed) as (app, pilot):
        await opened_trace(app, pilot, NEWEST)
        assert [row[0].rstrip() for row in app.rows("waterfall-table")] == [
            "✗ POST /predict",
            "├╴fetch features",
            "│ └╴GET /features ≈",
            "└╴✗ predict fraud",
        ]
        drawn = app.texts()
        assert "█" in drawn
        assert "━" in drawn
        assert "2 failed · ≈ 1 on clocks put right" in drawn
        await pilot.press("down", "down")
        assert "behind by" in facts(app)["clock"][0]
        await pilot.press("e")
        span = facts(app)
        assert span["status"] == ["✗ error"]
        assert span["message"] == ["no such country"]
        assert span["dropped"] == ["1 of its attributes, by the sender"]
        assert "exception (exception.type=ValueError)" in span["event 1"][0]
        assert span["resource gitlab.ci.job.id"] != [""]
        assert "critical" in span["took"][0]


async def test_an_inference_stands_with_its_features_and_what_turned_out(observed: Company) -> None:
    async with on_traces(observed) as (app, pilot):
        await opened_trace(app, pilot, LABELLED)
        rows = facts(app, "inference-table")
        assert rows["amount"] == ["189.0", ""]
        assert rows["▸ label"] == ["fine", "✗ fraud"]
        assert rows["▸ score"] == ["0.179", ""]
        assert "Inference predict fraud, label of <1m ago" in app.texts()


async def test_folding_finding_describing_and_copying(observed: Company) -> None:
    async with on_traces(observed) as (app, pilot):
        await opened_trace(app, pilot, NEWEST)
        await pilot.press("down", "space")
        assert [row[0] for row in app.rows("waterfall-table")][1] == "├╴▸ fetch features"
        assert len(app.rows("waterfall-table")) == 3
        await pilot.press("c")
        assert len(app.rows("waterfall-table")) == 4
        assert app.table("waterfall-table").cursor_index == 2
        await pilot.press("y")
        await until(pilot, lambda: "copied" in app.notices().lower())
        await pilot.press("d")
        await until(pilot, lambda: isinstance(app.screen, DetailsDialog))
        assert "service.name: feature-store" in app.texts()
        await pilot.press("escape", "escape")
        assert isinstance(app.screen, TracesView)


async def test_a_span_leads_to_its_version_job_and_commit(observed: Company) -> None:
    async with on_traces(observed) as (app, pilot):
        await opened_trace(app, pilot, NEWEST)
        await pilot.press("end", "o")
        await until(pilot, lambda: isinstance(app.screen, Chooser))
        await pilot.press(*"version", "enter")
        await until(pilot, lambda: isinstance(app.screen, VersionView) and app.rows("lineage-tree"))
        assert "Trace 00000000 ▸ 2.1.0" in app.texts()
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, TraceView))
        await pilot.press("l")
        await until(pilot, lambda: isinstance(app.screen, JobLogView))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, TraceView))
        await pilot.press("o", *"commit", "enter")
        await until(pilot, lambda: isinstance(app.screen, DetailsDialog))
        assert "author:" in app.texts()


async def test_a_span_of_no_model_says_why_it_leads_nowhere(observed: Company) -> None:
    async with on_traces(observed) as (app, pilot):
        await opened_trace(app, pilot, NEWEST)
        await pilot.press("down", "down", "o")
        await until(pilot, lambda: "the span names no model" in app.texts())
        assert "the span names no CI job" in app.texts()


async def test_a_reporter_reads_all_of_it(observed: Company) -> None:
    async with on_traces(observed, role="reporter") as (app, pilot):
        await opened_trace(app, pilot, NEWEST)
        await pilot.press("end", "o", *"commit", "enter")
        await until(pilot, lambda: isinstance(app.screen, DetailsDialog))
        assert not app.notices()


async def test_a_trace_that_is_gone_says_so(observed: Company) -> None:
    async with on_traces(observed) as (app, pilot):
        app.push_screen(TraceView("0" * 32))
        await until(pilot, lambda: "There is no trace" in app.texts())


async def test_ten_thousand_spans_with_missing_parents_open_and_scroll(observed: Company) -> None:
    first = spans_of(observed)[0]
    ids = [f"{number:016x}" for number in range(1, 10_001)]
    wide = [
        replace(
            first,
            trace_id="f" * 32,
            span_id=name,
            parent_id="" if place == 0 else "dead" * 4 if place % 100 == 99 else ids[(place - 1) // 3],
            start_ns=first.start_ns + place,
            end_ns=first.end_ns - place,
        )
        for place, name in enumerate(ids)
    ]
    await store(observed.folder / "maintainer", wide)
    async with on_traces(observed) as (app, pilot):
        app.push_screen(TraceView("f" * 32))
        await until(pilot, lambda: len(app.table("waterfall-table").source) == 10_001)
        assert "1 missing above" in app.texts()
        await pilot.press("G")
        assert app.table("waterfall-table").cursor_index == 10_000
        await pilot.press("g", "space")
        assert len(app.table("waterfall-table").source) < 10_001


async def test_a_command_from_another_view_filters_in_the_language_of_traces(observed: Company) -> None:
    async with opened(observed, "models") as (app, pilot):
        await commanded(pilot, "traces /arm = canary and name ~ predict")
        await until(pilot, lambda: len(app.rows("traces-table")) == 30, passing=0.3)
        await pilot.press("3")
        await commanded(pilot, "traces /arm = canary and colour = red")
        await until(pilot, lambda: "there is no such field" in app.notices())
        assert isinstance(app.screen, TracesView)


def test_a_server_of_traces_is_asked_seldom_and_the_store_at_every_poll() -> None:
    context = Context("traced", "http://127.0.0.1:1", poll_interval=10.0)
    assert look_interval(context) == 10.0
    assert look_interval(replace(context, traces=TraceSource(TraceSourceKind.JAEGER, "http://127.0.0.1:2"))) == 60.0
