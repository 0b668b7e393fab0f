"""Tables of every format give the same columns, and what is wrong with one is said with its name."""

from __future__ import annotations

import gzip
import io
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from mlops_tui.datasets.columns import Cells, DataError, Dataset, Nature
from mlops_tui.datasets.sources import open_dataset, open_reference
from mlops_tui.domain.profiles import ProfileError

CSV = "amount,country,whole\n1.5,de,1\n,fr,2\nnan,,3\n-inf,de,4\n"
NDJSON = """{"amount": 1.5, "country": "de", "whole": 1}
{"country": "fr", "whole": 2}
{"amount": NaN, "country": null, "whole": 3}

{"amount": -Infinity, "country": "de", "whole": 4, "late": true}
"""

Write = Callable[[str | bytes], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def make(content: str | bytes) -> Path:
        path = tmp_path / "data"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return make


def read_all(dataset: Dataset, columns: list[str] | None = None) -> dict[str, list[Cells]]:
    with closing(dataset):
        parts: dict[str, list[Cells]] = {}
        for name, cells in dataset.read(columns):
            parts.setdefault(name, []).append(cells)
        return parts


def only(path: Path, column: str) -> Cells:
    (cells,) = read_all(open_dataset(str(path)), [column])[column]
    return cells


@pytest.mark.parametrize("content", [CSV, NDJSON, "\ufeff" + CSV, gzip.compress(CSV.encode()), CSV.replace(",", ";")])
def test_the_content_tells_the_format(write: Write, content: str | bytes) -> None:
    path = write(content)
    amount = only(path, "amount").numbers()
    assert amount.missing == 1
    np.testing.assert_array_equal(amount.values, [1.5, np.nan, np.nan, -np.inf])
    assert only(path, "country").categories() == Counter({"de": 2, "fr": 1, None: 1})
    assert list(only(path, "country").texts()) == ["de", "fr", None, "de"]
    assert (only(path, "whole").is_whole, only(path, "amount").is_whole) == (True, False)


def test_parquet_gives_the_same(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    columns = {"amount": [1.5, None, float("nan"), -np.inf], "country": ["de", "fr", None, "de"], "whole": [1, 2, 3, 4]}
    parquet.write_table(pa.table({**columns, "day": pa.array([0] * 4, pa.date32())}), tmp_path / "t")
    amount = only(tmp_path / "t", "amount").numbers()
    assert amount.missing == 1
    np.testing.assert_array_equal(amount.values, [1.5, np.nan, np.nan, -np.inf])
    assert only(tmp_path / "t", "country").categories() == Counter({"de": 2, "fr": 1, None: 1})
    assert only(tmp_path / "t", "whole").is_whole
    assert only(tmp_path / "t", "day").nature is Nature.OTHER


def test_parquet_without_pyarrow_says_what_to_do(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(DataError, match="Install pyarrow"):
        open_dataset(str(write(b"PAR1....PAR1")))


def test_a_pipe_is_read_like_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(CSV))
    dataset = open_dataset("-")
    assert (dataset.name, dataset.columns) == ("standard input", ("amount", "country", "whole"))
    assert set(read_all(dataset)) == {"amount", "country", "whole"}
    assert dataset.rows == 4


def test_words_for_missing_are_missing_numbers_and_plain_texts(write: Write) -> None:
    cells = only(write("x\nNA\nnull\n7\n-\n"), "x")
    assert cells.numbers().missing == 3
    assert cells.categories() == Counter(["NA", "null", "7", "-"])


def test_what_is_no_number_is_counted_with_an_example(write: Write) -> None:
    read = only(write('x\n1\n" "\nabc\n1_000\n2e3\n'), "x").numbers()
    assert (read.missing, read.strange, read.example) == (1, 2, "abc")
    np.testing.assert_array_equal(read.values, [1, np.nan, np.nan, np.nan, 2000])


def test_json_texts_are_no_numbers(write: Write) -> None:
    path = write('{"x": 1}\n{"x": "2"}\n{"x": {"y": 1}}\n')
    assert only(path, "x").nature is Nature.OTHER
    mixed = only(write('{"x": 1}\n{"x": "2"}\n{"x": false}\n'), "x")
    assert (mixed.nature, mixed.numbers().strange) == (Nature.MIXED, 2)
    assert list(mixed.texts()) == ["1", "2", "false"]


def test_rows_come_in_batches_and_short_ones_miss_their_last_cells(write: Write) -> None:
    path = write("a,b\n" + "1,x\n" * 20_000 + "2\n\n")
    dataset = open_dataset(str(path))
    parts = read_all(dataset)
    assert dataset.rows == 20_001
    assert sum(cells.rows for cells in parts["b"]) == 20_001
    assert sum(cells.categories()[None] for cells in parts["b"]) == 1
    assert len(parts["a"]) > 1


def test_quoted_cells_may_hold_anything(write: Write) -> None:
    assert list(only(write('a,"b ""x"", y"\n1,"two\nlines"\n'), 'b "x", y').texts()) == ["two\nlines"]


def test_a_header_alone_is_a_table_without_rows(write: Write) -> None:
    dataset = open_dataset(str(write("a,b\n")))
    assert read_all(dataset) == {}
    assert (dataset.columns, dataset.rows) == (("a", "b"), 0)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"a,a\n1,2\n", "twice"),
        (b"a,b\n1,2,3\n", "row 1 has 3 cells"),
        (b"a,b\n1,\xff\xfe\n", "UTF-8"),
        (b'a,b\n1,"open\n', "near row 1"),
        (b"[1, 2]", "JSON array"),
        (b'{"a": 1}\n{"a": \n', "line 2 is not JSON"),
        (b'{"a": 1}\n[1]\n', "line 2 holds no JSON object"),
        (gzip.compress(b"a\n" + b"1\n" * 50_000)[:-30], "compression is damaged"),
        (b"\x1f\x8bnot gzip at all", "compression is damaged"),
    ],
)
def test_a_damaged_table_is_refused_by_name(write: Write, content: bytes, words: str) -> None:
    path = write(content)
    with pytest.raises(DataError, match=words) as caught:
        read_all(open_dataset(str(path)))
    assert str(path) in str(caught.value)


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(DataError, match="cannot be read"):
            open_dataset(str(path))


def test_a_truncated_profile_is_a_damaged_profile_and_not_a_table(write: Write) -> None:
    with pytest.raises(ProfileError, match="cut off"):
        open_reference(str(write('{"$schema":"mlops-tui/profile/1","features":[')))
