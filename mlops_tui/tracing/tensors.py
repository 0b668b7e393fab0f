"""Features and predictions that come packed in one attribute, taken apart into one column each.

Read are pairs of names and values, tensors of the Open Inference Protocol, MLflow's recorded inputs and the bodies of
its scoring protocol, and plain records. Names are brought into our form: lower case, digits and underscores.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

import orjson

from mlops_tui.domain.inferences import FEATURE, PREDICTION
from mlops_tui.domain.traces import Value
from mlops_tui.tracing import attributes as names
from mlops_tui.tracing.attributes import AttributeRules

Columns: TypeAlias = dict[str, tuple[Value, ...]]

_MOST_COLUMNS = 4_096
_MOST_VALUES = 1_000_000
_DEEPEST = 4
_LONGEST_NAME = 128
_LONGEST_TEXT = 1_000
_FLOATING = ("FP", "BF")
_FOREIGN = re.compile(r"[^a-z0-9_]+")


class UnreadableTensorError(ValueError):
    """Packed values whose shape makes no sense; the message says why."""


def unpack(attributes: dict[str, Value], rules: AttributeRules) -> None:
    """Replace packed attributes by one attribute for each column, in place; what is there already wins.

    Raises:
        UnreadableTensorError: They could not be read; the packed attributes are gone all the same.
    """
    packed = {key: attributes.pop(key) for key in names.PACKED & attributes.keys()}
    for column, values in _inputs(packed).items():
        if rules.keeps_feature(column):
            attributes.setdefault(FEATURE + column, _cell(values))
    for column, values in _outputs(packed).items():
        attributes.setdefault(PREDICTION + column, _cell(values))


def columns_in(document: object, unnamed: str) -> Columns:
    """The columns of an inference body, as decoded from JSON; ``unnamed`` names what has no name of its own.

    Raises:
        UnreadableTensorError: A tensor's data do not fit its shape, or there are too many.
    """
    columns: Columns = {}
    for name, values in _found(document, unnamed, 0):
        if len(columns) >= _MOST_COLUMNS:
            raise UnreadableTensorError(f"more than {_MOST_COLUMNS} columns")
        columns.setdefault(_column_name(name), tuple(_scalar(value) for value in values))
    return columns


def _inputs(packed: Mapping[str, Value]) -> Columns:
    columns = _paired(packed.get(names.FEATURE_NAMES), packed.get(names.FEATURE_VALUES))
    for key in names.INPUTS:
        if key in packed:
            columns = {**columns_in(_parsed(packed[key]), "input"), **columns}
    return columns


def _outputs(packed: Mapping[str, Value]) -> Columns:
    columns = _paired(packed.get(names.PREDICTION_NAMES), packed.get(names.PREDICTION_VALUES))
    for key in names.OUTPUTS:
        if key in packed:
            columns = {**columns_in(_parsed(packed[key]), "value"), **columns}
    return columns


def _paired(titles: Value, values: Value) -> Columns:
    """Columns from a list of names and a flat list of values, row after row."""
    if titles is None and values is None:
        return {}
    if not isinstance(titles, (list, tuple)) or not isinstance(values, (list, tuple)) or not titles:
        raise UnreadableTensorError("names without values or values without names")
    width = len(titles)
    if len(values) % width:
        raise UnreadableTensorError(f"{len(values)} values for {width} names")
    return {
        _column_name(str(title)): tuple(_scalar(value) for value in values[index::width])
        for index, title in enumerate(titles)
    }


def _parsed(value: Value) -> object:
    if not isinstance(value, str):
        return value
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError:
        raise UnreadableTensorError("text that is not JSON") from None


def _found(document: object, unnamed: str, depth: int) -> Iterator[tuple[str, Sequence[object]]]:
    if depth > _DEEPEST:
        return
    match document:
        case {"inputs": [*tensors]} | {"outputs": [*tensors]} if tensors and all(map(_is_tensor, tensors)):
            yield from _tensors(tensors)
        case {"dataframe_split": {"columns": [*titles], "data": [*rows]}}:
            yield from _table([str(title) for title in titles], rows)
        case {"dataframe_records": [*rows]} | {"instances": [*rows]} | {"predictions": [*rows]}:
            yield from _found(rows, unnamed, depth + 1)
        case Mapping():
            yield from _record(document, unnamed, depth)
        case [*tensors] if tensors and all(map(_is_tensor, tensors)):
            yield from _tensors(tensors)
        case [*rows]:
            yield from _rows(rows, unnamed)
        case None:
            return
        case _:
            yield unnamed, (document,)


def _is_tensor(value: object) -> bool:
    return isinstance(value, Mapping) and isinstance(value.get("name"), str) and isinstance(value.get("data"), list)


def _tensors(tensors: Sequence[object]) -> Iterator[tuple[str, Sequence[object]]]:
    for tensor in tensors:
        if isinstance(tensor, Mapping):
            yield from _tensor(tensor)


def _tensor(tensor: Mapping[str, object]) -> Iterator[tuple[str, Sequence[object]]]:
    """A tensor's columns: one, or one for each element of a row, numbered."""
    name, data, shape = str(tensor["name"]), _flat(tensor["data"]), tensor.get("shape")
    if str(tensor.get("datatype", "")).startswith(_FLOATING):
        data = [float(item) if isinstance(item, int) else item for item in data]
    rows = shape[0] if isinstance(shape, list) and shape and isinstance(shape[0], int) else len(data)
    if not data and not rows:
        return
    if rows <= 0 or len(data) % rows:
        raise UnreadableTensorError(f"a tensor of {len(data)} values in {rows} rows")
    width = len(data) // rows
    for index in range(width):
        yield (name if width == 1 else f"{name}_{index}"), data[index::width]


def _flat(data: object) -> list[object]:
    flat: list[object] = []
    waiting = [iter([data])]
    while waiting:
        item = next(waiting[-1], _END)
        if item is _END:
            waiting.pop()
        elif isinstance(item, list):
            waiting.append(iter(item))
        else:
            flat.append(item)
    if len(flat) > _MOST_VALUES:
        raise UnreadableTensorError(f"more than {_MOST_VALUES} values")
    return flat


_END = object()


def _record(record: Mapping[str, object], unnamed: str, depth: int) -> Iterator[tuple[str, Sequence[object]]]:
    for key, value in record.items():
        match value:
            case Mapping():
                yield from _found(value, key, depth + 1)
            case [Mapping(), *_]:
                yield from _found(value, unnamed, depth + 1)
            case list():
                yield key, _flat(value)
            case _:
                yield key, (value,)


def _rows(rows: Sequence[object], unnamed: str) -> Iterator[tuple[str, Sequence[object]]]:
    if rows and all(isinstance(row, Mapping) for row in rows):
        titles = list(dict.fromkeys(str(key) for row in rows if isinstance(row, Mapping) for key in row))
        for title in titles:
            yield title, [row.get(title) for row in rows if isinstance(row, Mapping)]
    elif rows and all(isinstance(row, list) for row in rows):
        width = max(len(row) for row in rows if isinstance(row, list))
        yield from _table([f"{unnamed}_{index}" for index in range(width)] if width > 1 else [unnamed], rows)
    else:
        yield unnamed, rows


def _table(titles: Sequence[str], rows: Sequence[object]) -> Iterator[tuple[str, Sequence[object]]]:
    if len(titles) * len(rows) > _MOST_VALUES:
        raise UnreadableTensorError(f"more than {_MOST_VALUES} values")
    for index, title in enumerate(titles):
        yield title, [row[index] if isinstance(row, list) and index < len(row) else None for row in rows]


def _column_name(name: str) -> str:
    plain = _FOREIGN.sub("_", name.lower()).strip("_")
    return (plain if plain[:1].isalpha() else f"x_{plain}")[:_LONGEST_NAME]


def _scalar(value: object) -> Value:
    match value:
        case None | bool() | float():
            return value
        case int():
            return value if -(2**63) <= value < 2**63 else float(value)
        case str():
            return value[:_LONGEST_TEXT]
        case _:
            return None


def _cell(values: tuple[Value, ...]) -> Value:
    """A single inference has plain values; a batch has one sequence for each column."""
    return values[0] if len(values) == 1 else values
