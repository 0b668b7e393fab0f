from __future__ import annotations

import dataclasses
import json
import math
import sqlite3
import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, timezone
from enum import Enum, IntEnum, StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any, Generic, TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlops_tui.domain.actions import Intent
from mlops_tui.domain.environments import Environment
from mlops_tui.domain.jobs import JobLog
from mlops_tui.domain.models import Model
from mlops_tui.domain.projects import Project, ProjectRef
from mlops_tui.domain.runs import MetricHistory, Run, RunStatus
from mlops_tui.domain.snapshots import Snapshot
from mlops_tui.live.encoding import Codec, UndecodableError
from mlops_tui.live.snapshots import CACHED, CachedView, alike
from mlops_tui.storage.cache import Cache
from tests.clocks import START

T = TypeVar("T")


class Colour(Enum):
    RED = (1, 0)
    BLUE = (0, 1)


class Word(StrEnum):
    YES = "ja"


class Level(IntEnum):
    LOW = 10


@dataclass(frozen=True, slots=True)
class Leaf:
    number: float
    colour: Colour
    word: Word | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Tree:
    name: str
    children: tuple[Tree, ...] = ()


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    items: tuple[T, ...]
    next: T | None


@dataclass(frozen=True, slots=True)
class Everything:
    truth: bool
    count: int
    text: str
    day: date
    span: timedelta
    level: Level
    pair: tuple[int, str]
    listed: list[float]
    names: frozenset[str]
    rows: Sequence[Leaf]
    metrics: Mapping[str, float]
    by_level: Mapping[Level, Leaf | None]
    mixed: int | str | Leaf | None
    tree: Tree
    page: Page[Leaf]
    plain: Any
    more: dict[str, tuple[int, ...]] = field(default_factory=dict)


zones = st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30)), timezone(-timedelta(hours=8))])
plain_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
leaves = st.builds(
    Leaf, st.floats(), st.sampled_from(Colour), st.none() | st.sampled_from(Word), st.datetimes(timezones=zones)
)
trees = st.recursive(
    st.builds(Tree, st.text()), lambda inner: st.builds(Tree, st.text(), st.tuples(inner, inner)), max_leaves=4
)
everything = st.builds(
    Everything,
    truth=st.booleans(),
    count=st.integers(),
    text=st.text(st.characters(codec=None)),
    day=st.dates(),
    span=st.timedeltas(),
    level=st.sampled_from(Level),
    pair=st.tuples(st.integers(), st.text()),
    listed=st.lists(st.floats(), max_size=3),
    names=st.frozensets(st.text(), max_size=3),
    rows=st.lists(leaves, max_size=2).map(tuple),
    metrics=st.dictionaries(st.text(), st.floats(), max_size=3),
    by_level=st.dictionaries(st.sampled_from(Level), st.none() | leaves),
    mixed=st.none() | st.integers() | st.text() | leaves,
    tree=trees,
    page=st.builds(Page, st.lists(leaves, max_size=2).map(tuple), st.none() | leaves),
    plain=plain_values,
    more=st.dictionaries(st.text(), st.lists(st.integers(), max_size=2).map(tuple), max_size=2),
)


@settings(max_examples=50)
@given(everything)
def test_every_record_comes_back_as_it_was(value: Everything) -> None:
    codec = Codec(Everything)
    assert alike(codec.decode(codec.encode(value)), value)


@pytest.mark.parametrize("kind", [Run, Model, Environment, Project, MetricHistory, JobLog, Intent])
def test_the_domains_records_have_an_encoding(kind: type) -> None:
    @settings(max_examples=20)
    @given(st.from_type(kind) if kind is not Intent else st.just(None))
    def comes_back(value: Any) -> None:
        codec: Codec[Any] = Codec(kind)
        assert value is None or alike(codec.decode(codec.encode(value)), value)

    comes_back()


def test_numbers_come_back_to_the_digit_and_of_the_same_kind() -> None:
    codec = Codec(tuple[float, ...])
    values = (0.1 + 0.2, 5e-324, -0.0, 1.7976931348623157e308, math.inf, -math.inf, math.nan)
    back = codec.decode(codec.encode(values))
    assert [repr(value) for value in back] == [repr(value) for value in values]
    assert Codec(bool).decode(b"true") is True
    with pytest.raises(UndecodableError, match="bool"):
        Codec(int).decode(b"true")


@given(st.binary(max_size=60) | plain_values.map(lambda value: json.dumps(value).encode()))
def test_what_nobody_encoded_is_a_value_error(body: bytes) -> None:
    with pytest.raises(UndecodableError):
        Codec(Leaf).decode(body)


@given(leaves, st.data())
def test_a_cut_off_encoding_is_a_value_error(leaf: Leaf, data: st.DataObject) -> None:
    body = Codec(Leaf).encode(leaf)
    with pytest.raises(UndecodableError):
        Codec(Leaf).decode(body[: data.draw(st.integers(0, len(body) - 1))])


def test_deep_nesting_is_a_value_error() -> None:
    with pytest.raises(UndecodableError):
        Codec(Tree).decode(b"[" * 100_000)


def test_a_value_of_another_type_is_refused() -> None:
    with pytest.raises(TypeError, match="Leaf"):
        Codec(Leaf).encode(typing.cast("Leaf", Tree("x")))
    with pytest.raises(TypeError, match="str"):
        Codec(tuple[int, ...]).encode(typing.cast("tuple[int, ...]", ("1",)))


@pytest.mark.parametrize("kind", [object, complex, tuple[set[int], ...], Snapshot])
def test_a_type_without_an_encoding_is_refused_at_once(kind: Any) -> None:
    with pytest.raises(TypeError, match=r"encoding"):
        Codec(kind)


def shaped(title: str, /, **fields: Any) -> Any:
    """A record of this module with the given fields, as one version of the program might have it."""
    made = dataclasses.make_dataclass(title, list(fields.items()), frozen=True)
    made.__module__, made.__qualname__ = __name__, title
    return made


def many(kind: Any) -> Any:
    return types.GenericAlias(tuple, (kind, ...))


def test_the_fingerprint_tells_shapes_apart_and_nothing_else() -> None:
    def fingerprint(**fields: Any) -> str:
        return Codec(many(shaped("Row", **fields))).fingerprint

    assert fingerprint(id=int, name=str) == fingerprint(id=int, name=str)
    shapes: list[dict[str, Any]] = [
        {"id": int, "name": str},
        {"name": str, "id": int},
        {"id": int},
        {"id": int, "name": str | None},
        {"inner": shaped("Inner", id=int)},
        {"inner": shaped("Inner", id=str)},
        {"inner": many(shaped("Inner", id=str))},
    ]
    assert len({fingerprint(**fields) for fields in shapes}) == len(shapes)


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[Cache]:
    cache = Cache(tmp_path / "cache.db")
    yield cache
    cache.close()


RUN = Run("r1", ProjectRef(7, "acme/fraud"), 1, "training", "bold-1", RunStatus.RUNNING, START, None, None)


async def test_a_view_finds_what_it_kept(cache: Cache) -> None:
    view = CachedView(cache, "work", "runs", tuple[Run, ...])
    assert view.load() is None
    assert await view.store(Snapshot((RUN,), START, "gitlab.example.com"))
    assert CachedView(cache, "work", "runs", tuple[Run, ...]).load() == Snapshot((RUN,), START, CACHED)
    assert CachedView(cache, "work", "runs", tuple[Model, ...]).load() is None
    assert CachedView(cache, "home", "runs", tuple[Run, ...]).load() is None


@pytest.mark.parametrize("body", [b"", b"{}", b"[[1]]", b"\xff\xfe", b"[null]", b"[[[],[],[],[],[],[],[],[],[],[]]]"])
async def test_a_corrupt_entry_is_no_snapshot(cache: Cache, tmp_path: Path, body: bytes) -> None:
    view = CachedView(cache, "work", "runs", tuple[Run, ...])
    await view.store(Snapshot((RUN,), START, "gitlab.example.com"))
    other = sqlite3.connect(tmp_path / "cache.db", isolation_level=None)
    other.execute("UPDATE entries SET body = ?", (body,))
    other.close()
    assert view.load() is None


@settings(max_examples=50)
@given(everything, everything)
def test_alike_is_equality_where_there_is_no_nan(one: Everything, other: Everything) -> None:
    assert alike(one, dataclasses.replace(one))
    if one == other:
        assert alike(one, other)
    elif "nan" not in repr((one, other)):
        assert not alike(one, other)


def test_nan_is_alike_and_differs_from_numbers() -> None:
    one, other = float("nan"), float("-nan")
    assert alike((1.0, {"auc": one}), (1.0, {"auc": other}))
    assert alike(MappingProxyType({"auc": one}), {"auc": other})
    assert not alike((one,), (0.0,))
    assert not alike((one, 1), (one,))
    assert not alike({"a": one}, {"b": one})


def test_what_compares_by_identity_is_alike_only_to_itself() -> None:
    @dataclasses.dataclass(frozen=True, eq=False)
    class Table:
        rows: int

    table = Table(1)
    assert alike((table, 1.0), (table, 1.0))
    assert not alike(table, Table(1))
