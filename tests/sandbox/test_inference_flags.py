"""The evaluation of feature flags, by values that Unleash publishes and by the shares it gives."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_tui.sandbox.inference.flags import Caller, Flags, murmur3, normalized

CALLERS = [Caller(user_id=str(number)) for number in range(4_000)]


def flags(**rollouts: tuple[str, str, str]) -> Flags:
    """Flags by their percentage, group and stickiness."""
    return Flags.from_document(
        {
            "features": [
                {"name": name, "enabled": True, "strategies": [flexible(*rollout)]}
                for name, rollout in rollouts.items()
            ]
        }
    )


def flexible(rollout: str, group: str, stickiness: str) -> dict[str, Any]:
    parameters = {"rollout": rollout, "groupId": group, "stickiness": stickiness}
    return {"name": "flexibleRollout", "parameters": parameters}


def enabled(strategy: dict[str, Any], caller: Caller) -> bool:
    found = Flags.from_document({"features": [{"name": "one", "enabled": True, "strategies": [strategy]}]})
    return found.is_enabled("one", caller, Random(1).random)


@pytest.mark.parametrize(
    ("data", "seed", "value"),
    [
        (b"", 0, 0),
        (b"", 1, 0x514E28B7),
        (b"test", 0, 0xBA6BD213),
        (b"Hello, world!", 0, 0xC0363E43),
        (b"ab", 0, 0x9BBFD75F),
    ],
)
def test_the_hash_is_murmur3(data: bytes, seed: int, value: int) -> None:
    assert murmur3(data, seed) == value


@pytest.mark.parametrize(("identity", "group", "place"), [("123", "gr1", 73), ("999", "groupX", 25)])
def test_callers_stand_where_unleash_says(identity: str, group: str, place: int) -> None:
    """The two values of Unleash's client specification."""
    assert normalized(identity, group) == place


@given(st.text(max_size=40), st.integers(0, 100), st.integers(0, 100))
def test_a_greater_share_keeps_whom_a_smaller_one_reached(identity: str, one: int, other: int) -> None:
    small, great = sorted((one, other))
    caller = Caller(user_id=identity or "x")
    if enabled(flexible(str(small), "fraud", "userId"), caller):
        assert enabled(flexible(str(great), "fraud", "userId"), caller)
    assert not enabled(flexible("0", "fraud", "userId"), caller)
    assert enabled(flexible("100", "fraud", "userId"), caller)


@pytest.mark.parametrize(
    ("strategy", "caller", "is_on"),
    [
        ({"name": "default"}, Caller(), True),
        ({"name": "userWithId", "parameters": {"userIds": "ann,bob"}}, Caller("bob"), True),
        ({"name": "userWithId", "parameters": {"userIds": "ann,bob"}}, Caller("bo"), False),
        ({"name": "gradualRolloutUserId", "parameters": {"percentage": "73", "groupId": "gr1"}}, Caller("123"), True),
        ({"name": "gradualRolloutUserId", "parameters": {"percentage": "72", "groupId": "gr1"}}, Caller("123"), False),
        ({"name": "gradualRolloutUserId", "parameters": {"percentage": "100", "groupId": "gr1"}}, Caller(), False),
        (flexible("73", "gr1", "sessionId"), Caller(session_id="123"), True),
        (flexible("100", "gr1", "userId"), Caller(session_id="123"), False),
        (flexible("72", "gr1", "default"), Caller("123"), False),
        ({"name": "somethingNew", "parameters": {}}, Caller("123"), False),
    ],
)
def test_strategies(strategy: dict[str, Any], caller: Caller, is_on: bool) -> None:
    assert enabled(strategy, caller) is is_on


def test_flags_that_are_off_or_not_there_reach_nobody() -> None:
    document = {"features": [{"name": "off", "enabled": False, "strategies": [{"name": "default"}]}]}
    found = Flags.from_document(document)
    assert not found.is_enabled("off", Caller("1"), Random(1).random)
    assert not found.is_enabled("absent", Caller("1"), Random(1).random)


@pytest.mark.parametrize("stickiness", ["userId", "random"])
def test_several_arms_get_the_shares_that_were_meant(stickiness: str) -> None:
    """30 % for each of two: the second flag is asked for what the first left over, so it says 43."""
    found = flags(first=("30", "one", stickiness), second=("43", "two", stickiness))
    draw = Random(7).random
    chosen = [found.choose([("a", "first"), ("b", "second")], caller, draw) for caller in CALLERS]
    assert [round(chosen.count(arm) / len(CALLERS), 1) for arm in ("a", "b", None)] == [0.3, 0.3, 0.4]
    same = flags(first=("30", "one", "userId"), second=("30", "one", "userId"))
    assert "b" not in {same.choose([("a", "first"), ("b", "second")], caller, draw) for caller in CALLERS}
