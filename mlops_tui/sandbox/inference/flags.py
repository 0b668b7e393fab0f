"""Feature flags as Unleash clients evaluate them: the strategies that GitLab has, and the hash that splits the traffic.

Unleash: docs.getunleash.io/reference/activation-strategies; the hash is MurmurHash3 (x86, 32 bits), seed 0, modulo 100.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

_WORD = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Caller:
    """Who a flag is evaluated for; None where it is not known."""

    user_id: str | None = None
    session_id: str | None = None


@dataclass(frozen=True, slots=True)
class Flags:
    """The flags of one project as its client route sends them; `random` draws from 0 up to but not including 1."""

    features: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Flags:
        """Read the answer of `GET .../client/features`."""
        return cls({str(feature["name"]): feature for feature in document.get("features", ())})

    def is_enabled(self, name: str, caller: Caller, random: Callable[[], float]) -> bool:
        """Tell whether a flag is on for a caller: one of its strategies has to hold."""
        feature = self.features.get(name)
        if feature is None or not feature["enabled"]:
            return False
        return any(_holds(strategy, caller, random) for strategy in feature["strategies"])

    def choose(self, challengers: Sequence[tuple[str, str]], caller: Caller, random: Callable[[], float]) -> str | None:
        """Return the arm of the first flag that is on, None when none is; `challengers` are pairs of arm and flag."""
        return next((arm for arm, flag in challengers if self.is_enabled(flag, caller, random)), None)


def _holds(strategy: Mapping[str, Any], caller: Caller, random: Callable[[], float]) -> bool:
    parameters = strategy.get("parameters", {})
    match strategy["name"]:
        case "default":
            return True
        case "userWithId":
            return caller.user_id is not None and caller.user_id in str(parameters.get("userIds", "")).split(",")
        case "gradualRolloutUserId":
            identity = caller.user_id
            return identity is not None and _is_within(parameters, "percentage", identity)
        case "flexibleRollout":
            return _flexible(parameters, caller, random)
        case _:
            return False


def _flexible(parameters: Mapping[str, Any], caller: Caller, random: Callable[[], float]) -> bool:
    stickiness = parameters.get("stickiness", "default")
    identity = {
        "userId": caller.user_id,
        "sessionId": caller.session_id,
        "default": caller.user_id or caller.session_id,
    }.get(stickiness)
    if identity is not None:
        return _is_within(parameters, "rollout", identity)
    if stickiness in {"random", "default"}:
        return random() * 100 < _percentage(parameters, "rollout")
    return False


def _is_within(parameters: Mapping[str, Any], key: str, identity: str) -> bool:
    return normalized(identity, str(parameters.get("groupId", ""))) <= _percentage(parameters, key)


def _percentage(parameters: Mapping[str, Any], key: str) -> int:
    given = str(parameters.get(key, "0"))
    return int(given) if given.isdecimal() else 0


def normalized(identity: str, group: str) -> int:
    """Return where a caller stands among a hundred, from 1 to 100; a rollout of n percent reaches those up to n."""
    return murmur3(f"{group}:{identity}".encode()) % 100 + 1


def murmur3(data: bytes, seed: int = 0) -> int:
    """Return the 32-bit MurmurHash3 of some bytes (Austin Appleby, MurmurHash3_x86_32)."""
    digest = seed
    whole = len(data) // 4 * 4
    for start in range(0, whole, 4):
        digest ^= _mixed(int.from_bytes(data[start : start + 4], "little"))
        digest = (_rotated(digest, 13) * 5 + 0xE6546B64) & _WORD
    if whole < len(data):
        digest ^= _mixed(int.from_bytes(data[whole:], "little"))
    digest ^= len(data)
    digest = (digest ^ digest >> 16) * 0x85EBCA6B & _WORD
    digest = (digest ^ digest >> 13) * 0xC2B2AE35 & _WORD
    return digest ^ digest >> 16


def _mixed(block: int) -> int:
    return _rotated(block * 0xCC9E2D51 & _WORD, 15) * 0x1B873593 & _WORD


def _rotated(value: int, bits: int) -> int:
    return (value << bits | value >> 32 - bits) & _WORD
