"""``mlops-tui traces``: inference traces, taken in, asked about and carried in files."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections.abc import Sequence
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from mlops_tui.cli import trace_items
from mlops_tui.cli.errors import tell
from mlops_tui.cli.options import GlobalOptions, noun, takes_global_options
from mlops_tui.cli.output import Listing, print_listing
from mlops_tui.cli.tables import Column
from mlops_tui.cli.trace_collector import sender_token, serve
from mlops_tui.cli.trace_places import TracePlace
from mlops_tui.domain.clock import SystemClock
from mlops_tui.domain.durations import parse_duration
from mlops_tui.domain.errors import UsageError
from mlops_tui.domain.trace_queries import ArmStatistics, QuantileMethod, ServiceSummary, SubjectFilter, TraceQuery
from mlops_tui.domain.traces import SpanStatus

app = noun("traces", "Inference traces: spans of OpenTelemetry about what models were asked and answered.")

_TRACE_ID = re.compile(r"[0-9a-f]{32}")
_MEBIBYTE = 1024 * 1024


class _Status(StrEnum):
    OK = "ok"
    ERROR = "error"
    UNSET = "unset"


class _FileFormat(StrEnum):
    JSON = "json"
    PROTOBUF = "protobuf"


_Data = Annotated[
    Path | None,
    typer.Option("--data", metavar="DIR", help="The folder that keeps the traces, whatever the context says."),
]
_Service = Annotated[str | None, typer.Option("--service", help="Only this service.")]
_Model = Annotated[str | None, typer.Option("--model", help="Only this model.")]
_Version = Annotated[str | None, typer.Option("--version", "--model-version", help="Only this version of the model.")]
_Arm = Annotated[str | None, typer.Option("--arm", help="Only this arm: stable, canary, shadow.")]
_Environment = Annotated[str | None, typer.Option("--environment", help="Only this environment.")]
_Since = Annotated[str | None, typer.Option("--since", metavar="TIME", help="A time, or how long ago, such as 2h.")]
_Until = Annotated[str | None, typer.Option("--until", metavar="TIME", help="A time, or how long ago.")]
_Keep = Annotated[
    list[str] | None,
    typer.Option("--keep-attribute", metavar="NAME", help="Store this attribute too (app.region or app.*)."),
]
_Features = Annotated[
    list[str] | None, typer.Option("--feature", metavar="NAME", help="Store only these features; may be repeated.")
]


@app.command()
@takes_global_options
def collect(
    host: Annotated[str, typer.Option("--host", help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="0 takes any free port.")] = 0,
    data: _Data = None,
    window: Annotated[str | None, typer.Option("--window", metavar="DURATION", help="The width of windows.")] = None,
    keep: Annotated[str, typer.Option("--keep", metavar="DURATION", help="How long spans are kept.")] = "7d",
    keep_mib: Annotated[int, typer.Option("--keep-mib", min=16, help="How much room spans may take.")] = 2_000,
    body_mib: Annotated[int, typer.Option("--body-mib", min=1, max=1_024, help="The largest body, unpacked.")] = 64,
    keep_attribute: _Keep = None,
    feature: _Features = None,
    sender_token_file: Annotated[
        Path | None, typer.Option("--sender-token-file", metavar="FILE", help="A file with the token senders show.")
    ] = None,
    *,
    options: GlobalOptions,
) -> None:
    """Take in OTLP over HTTP until SIGTERM; one line of JSON on standard output tells the address.

    Spans are acknowledged when they are on the disk. SDKs are pointed to the address by OTEL_EXPORTER_OTLP_ENDPOINT.
    Attributes that may be personal are not stored unless named by --keep-attribute.
    """
    from mlops_tui.operations.traces import CollectorSettings
    from mlops_tui.storage.trace_retention import Retention
    from mlops_tui.tracing.admission import Limits

    folder = TracePlace.of(data, options).own_folder()
    settings = CollectorSettings(
        folder,
        width=None if window is None else _seconds(window, "--window"),
        retention=Retention(_seconds(keep, "--keep"), keep_mib * _MEBIBYTE),
        attributes=tuple(keep_attribute or ()),
        features=tuple(feature) if feature else None,
        limits=Limits(body_bytes=body_mib * _MEBIBYTE, held_bytes=3 * body_mib * _MEBIBYTE),
        token=sender_token(host, sender_token_file, folder),
    )
    asyncio.run(serve(settings, host, port))


@app.command("list")
@takes_global_options
def list_traces(
    data: _Data = None,
    service: _Service = None,
    model: _Model = None,
    model_version: _Version = None,
    arm: _Arm = None,
    environment: _Environment = None,
    status: Annotated[_Status | None, typer.Option("--status", help="Only traces with a span that ended so.")] = None,
    min_ms: Annotated[float | None, typer.Option("--min-ms", min=0, help="Only with a span at least so long.")] = None,
    max_ms: Annotated[float | None, typer.Option("--max-ms", min=0, help="Only with a span at most so long.")] = None,
    attribute: Annotated[
        list[str] | None, typer.Option("--attribute", metavar="NAME=VALUE", help="Only with a span that says so.")
    ] = None,
    since: _Since = None,
    until: _Until = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=100_000, help="At most so many, the newest.")] = 50,
    *,
    options: GlobalOptions,
) -> None:
    """List traces, the newest first; a trace is listed when one of its spans meets every condition."""
    query = TraceQuery(
        trace_items.time_range(since, until, SystemClock()),
        SubjectFilter(service, None, model, model_version, arm, environment),
        None if status is None else SpanStatus[status.name],
        None if min_ms is None else int(min_ms * 1_000_000),
        None if max_ms is None else int(max_ms * 1_000_000),
        trace_items.attribute_filters(attribute),
        limit,
    )
    place = TracePlace.of(data, options)
    found = place.ask(lambda reader: reader.traces(query))
    _print("traces", trace_items.LIST, list(map(trace_items.summary_item, found)), place, options)


@app.command()
@takes_global_options
def show(
    trace_id: Annotated[str, typer.Argument(metavar="TRACE", help="The id of the trace, 32 hexadecimal digits.")],
    data: _Data = None,
    *,
    options: GlobalOptions,
) -> None:
    """Show every span of one trace, with its attributes, features and predictions."""
    wanted = trace_id.replace("-", "").lower()
    place = TracePlace.of(data, options)
    trace = place.ask(lambda reader: reader.trace(wanted)) if _TRACE_ID.fullmatch(wanted) else None
    if trace is None:
        raise UsageError(
            "There is no such trace", why=f"asked for was {trace_id!r}", remedy="See mlops-tui traces list"
        )
    if not trace.is_complete:
        tell("Some spans of this trace are not here.")
    _print("traces-spans", trace_items.SPANS, trace_items.span_items(trace), place, options)


@app.command()
@takes_global_options
def stats(
    data: _Data = None,
    service: _Service = None,
    model: _Model = None,
    model_version: _Version = None,
    arm: _Arm = None,
    environment: _Environment = None,
    since: _Since = None,
    until: _Until = None,
    *,
    options: GlobalOptions,
) -> None:
    """Tell traffic, errors and latency of each model version on each arm; times are those at which spans ended.

    Quantiles are exact, interpolated between the two nearest durations, as long as no span of the range was
    removed and it has at most 500,000; else they come from the windows' buckets and are at most 2.2 % off.
    """
    times = trace_items.time_range(since, until, SystemClock())
    subjects = SubjectFilter(service, None, model, model_version, arm, environment)
    place = TracePlace.of(data, options)
    found = place.ask(lambda reader: reader.statistics(times, subjects))
    if any(item.method is QuantileMethod.BUCKETS for item in found):
        tell("Latencies are read from buckets and are at most 2.2 % off; the range is in whole windows.")
    _tell_of_sample(found)
    _print("traces-stats", trace_items.STATISTICS, list(map(trace_items.statistics_item, found)), place, options)


@app.command()
@takes_global_options
def services(data: _Data = None, since: _Since = None, until: _Until = None, *, options: GlobalOptions) -> None:
    """List the services that sent spans, with the models they served; the range is taken in whole windows."""
    times = trace_items.time_range(since, until, SystemClock())
    place = TracePlace.of(data, options)
    found = place.ask(lambda reader: reader.services(times))
    _tell_of_sample(found)
    _print("traces-services", trace_items.SERVICES, list(map(trace_items.service_item, found)), place, options)


@app.command("export")
@takes_global_options
def export_traces(
    file: Annotated[Path | None, typer.Argument(metavar="FILE", help="Where to; standard output without it.")] = None,
    file_format: Annotated[
        _FileFormat, typer.Option("--format", help="JSON lines, or protobuf messages after their sizes.")
    ] = _FileFormat.JSON,
    data: _Data = None,
    service: _Service = None,
    model: _Model = None,
    model_version: _Version = None,
    arm: _Arm = None,
    environment: _Environment = None,
    since: _Since = None,
    until: _Until = None,
    *,
    options: GlobalOptions,
) -> None:
    """Write spans as OTLP, in the order in which they arrived."""
    from mlops_tui.operations.traces import export_spans
    from mlops_tui.tracing.files import FileFormat

    times = trace_items.time_range(since, until, SystemClock())
    subjects = SubjectFilter(service, None, model, model_version, arm, environment)
    try:
        with file.open("wb") if file else os.fdopen(os.dup(sys.stdout.fileno()), "wb") as target:
            total = TracePlace.of(data, options).ask_store(
                lambda reader: export_spans(reader, target, FileFormat(file_format.value), times, subjects)
            )
    except BrokenPipeError:
        raise
    except OSError as error:
        raise UsageError(f"{file} cannot be written", why=error.strerror or str(error)) from None
    tell(f"{total} spans were exported.")


@app.command("import")
@takes_global_options
def import_traces(
    files: Annotated[list[Path], typer.Argument(metavar="FILE", help="OTLP as JSON lines or protobuf, also gzipped.")],
    data: _Data = None,
    keep_attribute: _Keep = None,
    feature: _Features = None,
    *,
    options: GlobalOptions,
) -> None:
    """Store the spans of files, each once however often it is imported; also while a collector runs."""
    from mlops_tui.operations.traces import CollectorSettings, import_spans

    place = TracePlace.of(data, options)
    settings = CollectorSettings(
        place.own_folder(), attributes=tuple(keep_attribute or ()), features=tuple(feature) if feature else None
    )
    items = []
    for file in files:
        imported = asyncio.run(import_spans(file, settings, SystemClock()))
        items.append(
            {
                "file": str(file),
                "stored": imported.appended.stored,
                "duplicates": imported.appended.duplicates,
                "rejected": imported.rejected,
                "message": imported.message or None,
            }
        )
    _print("traces-import", trace_items.IMPORTS, items, place, options)


def _tell_of_sample(found: Sequence[ArmStatistics | ServiceSummary]) -> None:
    sizes = {item.sampled for item in found} - {None}
    if sizes:
        size = max(size for size in sizes if size is not None)
        tell(f"These figures rest on {size} spans: a sample, or without --since those of the last seven days.")


def _print(
    schema: str, columns: Sequence[Column], items: list[dict[str, Any]], place: TracePlace, options: GlobalOptions
) -> None:
    print_listing(Listing(schema, columns, items, SystemClock().now(), place.name), options.format)


def _seconds(text: str, option: str) -> int:
    with suppress(ValueError):
        seconds = int(parse_duration(text).total_seconds())
        if seconds > 0:
            return seconds
    raise UsageError(f"{option} {text!r} is no length of time", remedy="Write 10s, 5m, 12h or 7d")
