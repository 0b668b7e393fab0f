"""The file form of a reference profile: one line of canonical JSON that carries its own digest.

Keys: ``$schema``, ``features`` and ``id``. A feature has ``name``, ``kind``, either ``edges`` (numbers) or
``categories`` (texts), ``counts`` (one more than edges or categories), ``n``, ``missing``, ``nan``, ``pos_inf``,
``neg_inf``, ``sum``, ``sum_sq``, ``min`` and ``max``; infinite sums are the text "inf" or "-inf". ``id`` is the SHA-256
of the canonical form of the features in the order of their names.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from mlops_tui.domain.canonical import canonical_json, digest
from mlops_tui.domain.drift import FeatureKind
from mlops_tui.domain.profiles import (
    MOST_BINS,
    Bins,
    CategoryBins,
    FeatureCounts,
    FeatureProfile,
    NumericBins,
    ProfileError,
    ReferenceProfile,
)

SCHEMA = "mlops-tui/profile/1"
FIRST_BYTES = b'{"$schema":"mlops-tui/profile/'

_VALUES = ("n", "missing", "nan", "pos_inf", "neg_inf", "sum", "sum_sq", "min", "max", "counts")
_AGAIN = "Make it again with `mlops-tui drift profile`"


def profile_digest(features: Sequence[FeatureProfile]) -> str:
    """The identity of a profile: the same for the same features in any order."""
    return digest([_document(feature) for feature in sorted(features, key=lambda feature: feature.name)])


def dump_profile(profile: ReferenceProfile) -> bytes:
    """The file of a profile; equal profiles have equal files."""
    features = [_document(feature) for feature in profile.features]
    text = canonical_json({"$schema": SCHEMA, "features": features, "id": profile.profile_id})
    return text.encode("utf-8") + b"\n"


def load_profile(data: bytes, source: str) -> ReferenceProfile:
    """Read the file of a profile; ``source`` names it in errors.

    Raises:
        ProfileError: it is cut off or changed, of a newer version, or something else altogether.
    """
    what = f"{source} cannot be read as a reference profile"
    if not data.startswith(FIRST_BYTES):
        raise ProfileError(what, why="it does not begin like one")
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        raise ProfileError(what, why="it is cut off or damaged", remedy=_AGAIN) from None
    if document["$schema"] != SCHEMA:
        raise ProfileError(what, why=f"it is of version {document['$schema']}, and this program reads {SCHEMA}")
    try:
        features = tuple(_feature(entry) for entry in document["features"])
        names = {feature.name for feature in features}
        is_whole = len(names) == len(features) and document["id"] == profile_digest(features)
    except (KeyError, TypeError, ValueError, OverflowError, AttributeError) as error:
        raise ProfileError(what, why=f"a feature in it is damaged ({error})", remedy=_AGAIN) from None
    if not is_whole:
        raise ProfileError(what, why="its content does not match its digest", remedy=_AGAIN)
    return ReferenceProfile(features, document["id"])


def _document(feature: FeatureProfile) -> dict[str, Any]:
    values = feature.counts
    document: dict[str, Any] = {"name": feature.name, "kind": feature.kind.value}
    document |= {key: getattr(values, key) for key in _VALUES}
    match feature.bins:
        case NumericBins(edges):
            document["edges"] = edges
        case CategoryBins(categories):
            document["categories"] = categories
    return document


def _feature(entry: Mapping[str, Any]) -> FeatureProfile:
    unknown = set(entry) - {"name", "kind", "edges", "categories", *_VALUES}
    if unknown or len({"edges", "categories"} & set(entry)) != 1:
        raise ValueError(f"unexpected keys in {entry.get('name')}")
    counts = FeatureCounts(
        n=_whole(entry["n"]),
        missing=_whole(entry["missing"]),
        nan=_whole(entry["nan"]),
        pos_inf=_whole(entry["pos_inf"]),
        neg_inf=_whole(entry["neg_inf"]),
        sum=_number(entry["sum"]),
        sum_sq=_number(entry["sum_sq"]),
        min=_bound(entry["min"]),
        max=_bound(entry["max"]),
        counts=tuple(_whole(count) for count in entry["counts"]),
    )
    return FeatureProfile(_text(entry["name"]), FeatureKind(entry["kind"]), _bins(entry), counts)


def _bins(entry: Mapping[str, Any]) -> Bins:
    if len(entry["counts"]) > 2 * MOST_BINS:
        raise ValueError("more bins than a profile has")
    if "edges" in entry:
        return NumericBins(tuple(_number(edge) for edge in entry["edges"]))
    return CategoryBins(tuple(_text(category) for category in entry["categories"]))


def _whole(value: object) -> int:
    if type(value) is not int:
        raise TypeError(f"{value!r} is no whole number")
    return value


def _number(value: object) -> float:
    if type(value) not in {int, float} and value not in {"inf", "-inf"}:
        raise TypeError(f"{value!r} is no number")
    return float(value)  # type: ignore[arg-type]  # a number or the text of an infinity, as checked above


def _bound(value: object) -> float | None:
    return None if value is None else _number(value)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value
