from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.cli.conftest import Program
from tests.cli.schemas import judge
from tests.config.files import write
from tests.tracing.collector import PROTOBUF
from tests.tracing.processes import collector_process
from tests.tracing.requests import MILLISECOND, NOON, Sent, inference, request


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which a collector kept eleven spans, and has ended."""
    folder = tmp_path_factory.mktemp("traces")
    spans = [inference(number, start_ns=NOON, end_ns=NOON + number * MILLISECOND) for number in range(1, 10)]
    spans += [inference(10, version="1.3.0", track="canary", status=2), Sent(b"\1" * 16, b"\1" * 8, {}, "GET /health")]
    with collector_process(folder) as process:
        answer = httpx.post(process.url + "/v1/traces", content=request(spans), headers=PROTOBUF, trust_env=False)
        assert answer.status_code == 200
        assert process.end() == 0
    return folder


def test_statistics_are_of_each_arm(program: Program, data: Path) -> None:
    ended = program("traces", "stats", "--data", str(data), "--output", "json")
    judge(ended.document)
    nameless, stable, canary = ended.document["items"]
    assert (nameless["model"], nameless["version"], nameless["arm"], nameless["spans"]) == (None, None, None, 1)
    assert stable == {
        "model": "fraud",
        "version": "1.2.0",
        "arm": "stable",
        "spans": 9,
        "errors": 0,
        "p50_ms": 5.0,
        "p95_ms": pytest.approx(8.6),
        "p99_ms": pytest.approx(8.92),
        "first": "2026-03-02T12:00:00.001Z",
        "last": "2026-03-02T12:00:00.009Z",
        "quantiles": "exact",
        "sampled": None,
    }
    assert (canary["version"], canary["arm"], canary["errors"]) == ("1.3.0", "canary", 1)


def test_the_traces_of_a_context_are_asked_for_without_its_gitlab(
    program: Program, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = 'url = "http://127.0.0.1:1"\n'
    text = f'default_context = "a"\n[contexts.a]\n{gone}[contexts.a.traces]\ndata = "{data}"\n[contexts.b]\n{gone}'
    monkeypatch.setenv("MLOPS_TUI_CONFIG", str(write(tmp_path / "config.toml", text)))
    monkeypatch.setenv("MLOPS_TUI_HOME", str(tmp_path))
    document = program("traces", "stats", "--output", "json").document
    assert (document["source"], len(document["items"])) == (str(data), 3)
    ended = program("traces", "stats", "--context", "b")
    assert (ended.status, f"no traces in {tmp_path}" in ended.err) == (2, True)
    assert "no traces in" in program("traces", "stats", "--data", str(tmp_path)).err


def test_a_range_and_subjects_narrow_statistics(program: Program, data: Path) -> None:
    def spans(*arguments: str) -> list[int]:
        ended = program("traces", "stats", "--data", str(data), "-o", "json", *arguments)
        assert ended.status == 0, ended.err
        return [item["spans"] for item in ended.document["items"]]

    assert spans("--model", "fraud", "--until", "2026-03-02T12:00:00.003Z") == [2]
    assert spans("--since", "2026-03-02T12:00:00.009+00:00") == [1]
    assert spans("--version", "1.3.0") == [1]
    assert spans("--since", "1s") == []
    assert program("traces", "stats", "--data", str(data), "--since", "yesterday").status == 2


def test_traces_are_listed_newest_first(program: Program, data: Path) -> None:
    ended = program("traces", "list", "--data", str(data), "--output", "json", "--arm", "stable", "--limit", "3")
    judge(ended.document)
    assert [item["duration_ms"] for item in ended.document["items"]] == [9, 8, 7]
    item = ended.document["items"][0]
    assert (item["trace_id"], item["name"], item["model"], item["status"]) == (
        f"{9:032x}",
        "predict fraud",
        "fraud",
        "ok",
    )


@pytest.mark.parametrize(
    ("conditions", "found"),
    [
        (("--status", "error"), 1),
        (("--min-ms", "8"), 2),
        (("--min-ms", "2", "--max-ms", "3"), 2),
        (("--attribute", "ml.feature.amount=4"), 1),
        (("--attribute", "service.name=fraud-api", "--version", "1.2.0"), 9),
        (("--service", "nobody"), 0),
    ],
)
def test_conditions_choose_traces(program: Program, data: Path, conditions: tuple[str, ...], found: int) -> None:
    assert len(program("traces", "list", "--data", str(data), "-o", "ndjson", *conditions).out.splitlines()) == found


def test_a_trace_is_shown_with_features_and_predictions(program: Program, data: Path) -> None:
    ended = program("traces", "show", f"{7:032X}", "--data", str(data), "--output", "json")
    judge(ended.document)
    (item,) = ended.document["items"]
    assert (item["features"], item["predictions"]) == ({"amount": 7.0}, {"score": 0.007})
    assert item["resource"]["deployment.environment.name"] == "production"


@pytest.mark.parametrize("which", ["f" * 32, "1234", ""])
def test_a_trace_that_is_not_there_is_a_usage_error(program: Program, data: Path, which: str) -> None:
    ended = program("traces", "show", which, "--data", str(data))
    assert (ended.status, ended.out) == (2, "")


def test_services_are_listed(program: Program, data: Path) -> None:
    ended = program("traces", "services", "--data", str(data), "--output", "json")
    judge(ended.document)
    assert [(item["service"], item["models"], item["spans"]) for item in ended.document["items"]] == [
        ("fraud-api", ["fraud"], 11)
    ]


@pytest.mark.parametrize("file_format", ["json", "protobuf"])
def test_spans_move_to_another_store_and_arrive_once(
    program: Program, data: Path, tmp_path: Path, file_format: str
) -> None:
    file, other = tmp_path / "spans", tmp_path / "other"
    assert program("traces", "export", str(file), "--format", file_format, "--data", str(data)).status == 0
    for stored, duplicates in ((11, 0), (0, 11)):
        ended = program("traces", "import", str(file), "--data", str(other), "--output", "json")
        judge(ended.document)
        (item,) = ended.document["items"]
        assert (item["stored"], item["duplicates"], item["rejected"]) == (stored, duplicates, 0)
    arguments = ("--output", "ndjson")
    assert (
        program("traces", "stats", "--data", str(other), *arguments).out
        == program("traces", "stats", "--data", str(data), *arguments).out
    )


def test_export_writes_otlp_to_standard_output(data: Path) -> None:
    line = [sys.executable, "-m", "mlops_tui", "traces", "export", "--data", str(data), "--arm", "canary"]
    ended = subprocess.run(line, capture_output=True, text=True, check=True)
    exported = json.loads(ended.stdout)
    (span,) = exported["resourceSpans"][0]["scopeSpans"][0]["spans"]
    assert (span["spanId"], span["status"]["code"]) == (f"{10:016x}", 2)


def test_a_folder_without_traces_and_a_file_of_another_kind_are_usage_errors(program: Program, tmp_path: Path) -> None:
    assert program("traces", "list", "--data", str(tmp_path)).status == 2
    (tmp_path / "notes.txt").write_text("hello")
    ended = program("traces", "import", str(tmp_path / "notes.txt"), "--data", str(tmp_path))
    assert ended.status == 2
    assert "notes.txt" in ended.err


@pytest.mark.parametrize(
    "arguments", [("--port", "-1"), ("--window", "soon"), ("--keep", "0s"), ("--host", "no.such.host.")]
)
def test_a_wrong_option_of_the_collector_is_a_usage_error(
    program: Program, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    ended = program("traces", "collect", "--data", str(tmp_path), *arguments)
    assert (ended.status, ended.out) == (2, "")


def test_beyond_loopback_a_token_is_made_and_asked_for(tmp_path: Path) -> None:
    with collector_process(tmp_path, "--host", "0.0.0.0") as process:
        url = process.url.replace("0.0.0.0", "127.0.0.1") + "/v1/traces"
        file = tmp_path / "sender-token"
        assert file.stat().st_mode & 0o777 == 0o600
        body = request([inference(1)])
        assert httpx.post(url, content=body, headers=PROTOBUF, trust_env=False).status_code == 401
        headers = {**PROTOBUF, "authorization": f"Bearer {file.read_text()}"}
        assert httpx.post(url, content=body, headers=headers, trust_env=False).status_code == 200
        token = file.read_text()
        assert process.end(signal.SIGINT) == 0
    with collector_process(tmp_path, "--host", "0.0.0.0"):
        assert file.read_text() == token
