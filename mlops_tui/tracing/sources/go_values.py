"""Values of attributes as the OpenTelemetry Collector writes them where there is room for text only, and back.

Source: opentelemetry-collector, pdata/pcommon, ``Value.AsString``. Numbers are spelled as Go's JSON encoder does; NaN
and the infinities, which that refuses, as the error it gives.
"""

from __future__ import annotations

import math
from decimal import Decimal

import orjson

from mlops_tui.domain.text import clean_block
from mlops_tui.domain.traces import Value

UNSUPPORTED = "json: unsupported value: "
_LEAST_PLAIN, _LEAST_EXPONENT = 1e-6, 1e21
_WHOLE = 2**63
_SPECIAL = {"NaN": math.nan, "+Inf": math.inf, "-Inf": -math.inf}
_LONGEST = 65_536


def go_spelling(number: float) -> str:
    """A number as the Collector writes it: the shortest digits, with an exponent below 1e-6 and from 1e21 on."""
    if math.isnan(number):
        return "NaN"
    if math.isinf(number):
        return "+Inf" if number > 0 else "-Inf"
    digits = repr(number)
    if number == 0 or _LEAST_PLAIN <= abs(number) < _LEAST_EXPONENT:
        return format(Decimal(digits), "f").removesuffix(".0")
    mantissa, _, exponent = format(Decimal(digits).normalize(), "e").partition("e")
    return f"{mantissa}e{int(exponent):+d}"


def spellings(category: str) -> tuple[str, ...]:
    """How a category may stand in a store of text: as it is and, where it is a number as we write it, as Go does."""
    try:
        number = float(category)
    except ValueError:
        return (category,)
    if repr(number) != category:
        return (category,)
    spelled = go_spelling(number)
    return (category, spelled) if math.isfinite(number) else (category, spelled, UNSUPPORTED + spelled)


def value_of(text: str) -> Value:
    """The value that a text most likely was: only what comes out the same when it is written again is not text."""
    if text in {"true", "false"}:
        return text == "true"
    if text.startswith("["):
        return _listed(text)
    number = _number(text)
    return clean_block(text, _LONGEST) if number is None else number


def _number(text: str) -> int | float | None:
    special = _SPECIAL.get(text.removeprefix(UNSUPPORTED))
    if special is not None:
        return special
    if not text or text[-1] not in "0123456789" or text[0] not in "-0123456789":
        return None
    try:
        whole = int(text)
    except ValueError:
        pass
    else:
        if str(whole) == text:
            return whole if -_WHOLE <= whole < _WHOLE else float(whole)
    try:
        number = float(text)
    except ValueError:
        return None
    return number if go_spelling(number) == text else None


def _listed(text: str) -> Value:
    try:
        items = orjson.loads(text)
    except orjson.JSONDecodeError:
        return clean_block(text, _LONGEST)
    return plain_value(items)


def plain_value(value: object) -> Value:
    """A value out of JSON, with its texts made safe."""
    match value:
        case None | bool() | int() | float():
            return value
        case str():
            return clean_block(value, _LONGEST)
        case list():
            return tuple(map(plain_value, value))
        case dict():
            return {clean_block(str(key), _LONGEST): plain_value(item) for key, item in value.items()}
        case _:
            return None
