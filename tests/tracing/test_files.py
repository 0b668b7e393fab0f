from __future__ import annotations

import gzip
import io
from pathlib import Path

import pytest

from mlops_tui.domain.errors import UsageError
from mlops_tui.domain.traces import Span
from mlops_tui.tracing.attributes import AttributeRules
from mlops_tui.tracing.files import FileFormat, read_spans, write_spans
from mlops_tui.tracing.findings import Findings
from tests.storage.trace_spans import inference
from tests.tracing.requests import inference as sent_inference
from tests.tracing.requests import request

SPANS = [inference(number, columns={"ml.feature.amount": 1.0, "ml.feature.batch": (1, 2)}) for number in range(1, 6)]


def read(path: Path) -> list[Span]:
    return [span for part in read_spans(path, AttributeRules(), Findings()) for span in part]


@pytest.mark.parametrize("file_format", FileFormat)
@pytest.mark.parametrize("is_compressed", [False, True])
def test_what_is_written_is_read_back(tmp_path: Path, file_format: FileFormat, is_compressed: bool) -> None:
    file = io.BytesIO()
    for start in range(0, 5, 2):
        write_spans(file, SPANS[start : start + 2], file_format)
    data = file.getvalue()
    path = tmp_path / "spans"
    path.write_bytes(gzip.compress(data) if is_compressed else data)
    assert read(path) == SPANS


def test_a_bare_message_is_read(tmp_path: Path) -> None:
    path = tmp_path / "spans.pb"
    path.write_bytes(request([sent_inference(1), sent_inference(2)]))
    assert len(read(path)) == 2


def test_an_empty_file_holds_no_span(tmp_path: Path) -> None:
    path = tmp_path / "empty"
    path.touch()
    assert read(path) == []


@pytest.mark.parametrize(
    "data", [b"{}\n{not json}\n", b"[1]", b"\0\0\0\x05abc", b"\0\0\0", b"\x0a\xff\xff\xff", b"\x1f\x8b\x08broken"]
)
def test_another_file_is_a_usage_error_that_names_it(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "other"
    path.write_bytes(data)
    with pytest.raises(UsageError, match="other"):
        read(path)


def test_a_missing_file_and_a_folder_are_usage_errors(tmp_path: Path) -> None:
    for path in (tmp_path / "missing", tmp_path):
        with pytest.raises(UsageError):
            read(path)
