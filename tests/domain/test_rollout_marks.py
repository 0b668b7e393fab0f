"""What a rollout writes into GitLab can be read back, and is taken for nothing else."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mlops_tui.domain.deployments import resolve_version
from mlops_tui.domain.errors import UsageError
from mlops_tui.domain.judgements import Verdict
from mlops_tui.domain.policy import RolloutDriver, RolloutPolicy, RolloutStep
from mlops_tui.domain.rollout_marks import LONGEST, RolloutMark, flag_name, group_id, read_mark, require_writable
from mlops_tui.domain.rollout_states import (
    AbortBegun,
    Event,
    Held,
    Phase,
    Progress,
    Promoted,
    Restored,
    Resumed,
    Stepped,
    follow,
)
from mlops_tui.domain.rollout_trails import Turn
from mlops_tui.domain.rollout_weights import arm_weights, flag_percentages, shares_of

WORD = st.text("abcdefghijklmnopqrstuvwxyz0123456789-_.", min_size=1, max_size=20)
NUMBER = st.builds(lambda *parts: ".".join(map(str, parts)), *(st.integers(0, 99) for _ in range(3)))
MOMENT = st.integers(0, 2_000_000_000).map(lambda second: datetime.fromtimestamp(second, UTC))
MARKS = st.builds(
    RolloutMark,
    id=st.text("0123456789abcdef", min_size=8, max_size=8),
    driver=st.sampled_from(RolloutDriver),
    plan=st.text("0123456789abcdef", min_size=8, max_size=8),
    model=WORD,
    version=NUMBER,
    control=st.one_of(NUMBER, st.just("unknown")),
    environment=WORD,
    progress=st.builds(Progress, st.sampled_from(Phase), st.integers(0, 50), MOMENT),
    begun=MOMENT,
    verdict=st.one_of(st.none(), st.sampled_from(Verdict)),
)
TURNS = st.lists(
    st.tuples(
        st.sampled_from([(Phase.RUNNING, 0), (Phase.RUNNING, 7), (Phase.HELD, 0), (Phase.ABORTING, 0)]),
        st.integers(0, 99_999),
    ),
    max_size=3,
)


@given(MARKS, TURNS)
def test_a_mark_is_read_back_and_still_tells_the_version(
    mark: RolloutMark, turns: list[tuple[tuple[Phase, int], int]]
) -> None:
    trail = tuple(Turn(*what, mark.begun + timedelta(seconds=seconds)) for what, seconds in turns)
    mark = replace(mark, trail=trail)
    assert read_mark(mark.text) == mark
    deployed = resolve_version(mark.text, None, "", is_tag=False)
    assert deployed is not None
    assert (deployed.model, deployed.version, deployed.is_rollback) == (mark.model, mark.version, False)


def test_a_mark_from_before_there_were_trails_is_read() -> None:
    text = (
        "fraud 2.1.0 -> production [rollout 3f2a90c1 by flag plan 5d41402a over 2.0.0 step 2 held "
        "since 2026-11-27T10:47:55Z begun 2026-11-27T09:00:00Z]"
    )
    mark = read_mark(text)
    assert mark is not None
    assert (mark.trail, mark.verdict, mark.text) == ((), None, text)


def test_a_mark_keeps_its_trail_as_it_goes_on_and_the_verdict_of_its_end() -> None:
    begun = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)

    def after(seconds: int) -> datetime:
        return begun + timedelta(seconds=seconds)

    mark = RolloutMark(
        "0" * 8, RolloutDriver.FLAG, "0" * 8, "m", "2.1.0", "2.0.0", "production",
        Progress(Phase.RUNNING, 1, begun), begun,
    )  # fmt: skip
    again = replace(mark.progress, since=after(5))
    assert mark.moved_to(again, after(5), None).trail == ()
    steps: list[tuple[Event, datetime]] = [
        (Stepped(2, after(60)), after(60)),
        (Held(), after(70)),
        (Resumed(), after(80)),
        (AbortBegun(after(90)), after(90)),
        (Restored(after(95)), after(95)),
    ]
    texts = []
    for event, at in steps:
        mark = mark.moved_to(follow(mark.progress, event, 3), at, Verdict.BREACH)
        texts.append(mark.text.partition("begun 2026-03-02T12:00:00Z")[2].rstrip("]").strip())
        assert read_mark(mark.text) == mark
    assert texts == [
        "trail 1+0",
        "trail 1+0.h+70",
        "trail 1+0.h+70.r+80",
        "trail 1+0.2+60.h+70.r+80 verdict BREACH",
        "trail 1+0.2+60.h+70.r+80.a+90 verdict BREACH",
    ]


@pytest.mark.parametrize(
    ("written", "newest", "stands"),
    [
        (None, Verdict.HEALTHY, Verdict.HEALTHY),
        (Verdict.HEALTHY, Verdict.INVALID, Verdict.HEALTHY),
        (Verdict.HEALTHY, Verdict.BREACH, Verdict.BREACH),
        (Verdict.HEALTHY, None, Verdict.HEALTHY),
    ],
)
def test_what_a_promotion_changes_is_no_verdict_on_it(
    written: Verdict | None, newest: Verdict | None, stands: Verdict
) -> None:
    begun = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
    promoting = RolloutMark(
        "0" * 8, RolloutDriver.FLAG, "0" * 8, "m", "2.1.0", "2.0.0", "production",
        Progress(Phase.PROMOTING, 3, begun), begun, verdict=written,
    )  # fmt: skip
    assert promoting.moved_to(follow(promoting.progress, Promoted(begun), 3), begun, newest).verdict is stands


@pytest.mark.parametrize(
    ("written", "newest", "stands"),
    [
        (Verdict.HEALTHY, Verdict.INSUFFICIENT, Verdict.INSUFFICIENT),
        (Verdict.HEALTHY, None, None),
        (Verdict.BREACH, Verdict.INSUFFICIENT, Verdict.BREACH),
    ],
)
def test_what_let_a_promotion_begin_is_no_verdict_on_its_abort(
    written: Verdict, newest: Verdict | None, stands: Verdict | None
) -> None:
    begun = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
    promoting = RolloutMark(
        "0" * 8, RolloutDriver.FLAG, "0" * 8, "m", "2.1.0", "2.0.0", "production",
        Progress(Phase.PROMOTING, 3, begun), begun, verdict=written,
    )  # fmt: skip
    aborting = promoting.moved_to(follow(promoting.progress, AbortBegun(begun), 3), begun, newest)
    assert aborting.verdict is stands
    # What is measured while it goes back changes nothing of that.
    ended = aborting.moved_to(follow(aborting.progress, Restored(begun), 3), begun, Verdict.CONTINUE)
    assert ended.verdict is (stands or Verdict.CONTINUE)


@given(MARKS, st.integers(20, 60))
def test_of_a_trail_that_is_too_long_the_newest_part_is_kept(mark: RolloutMark, count: int) -> None:
    trail = tuple(Turn(Phase.HELD, 0, mark.begun + timedelta(seconds=1_000 * number)) for number in range(count))
    read = read_mark(replace(mark, trail=trail).text)
    assert read is not None
    assert len(read.text) <= LONGEST
    assert read.trail == trail[count - len(read.trail) :]
    assert len(read.text) + 2 * len(".h+10000") > LONGEST


@given(st.text(max_size=300))
def test_other_text_is_no_mark(text: str) -> None:
    assert read_mark(text) is None


STEP_TWELVE = RolloutMark(
    "0" * 8, RolloutDriver.FLAG, "0" * 8, "m", "2.1.0", "2.0.0", "production",
    Progress(Phase.RUNNING, 12, datetime(2026, 3, 2, tzinfo=UTC)), datetime(2026, 3, 2, tzinfo=UTC),
)  # fmt: skip


@given(MARKS, st.integers(0, 200), st.characters())
@example(STEP_TWELVE, STEP_TWELVE.text.index("12 running"), "0")
@example(STEP_TWELVE, STEP_TWELVE.text.index("T00:00:00Z"), ":")
def test_a_damaged_mark_is_none_or_another_one_that_is_whole(mark: RolloutMark, place: int, character: str) -> None:
    text = mark.text
    damaged = text[: place % len(text)] + character + text[place % len(text) + 1 :]
    read = read_mark(damaged)
    assert read is None or read.text == damaged.strip()


def test_a_mark_that_gitlab_would_not_take_is_refused_before() -> None:
    now = datetime(2026, 3, 2, tzinfo=UTC)
    progress = Progress(Phase.RUNNING, 1, now)
    mark = RolloutMark(
        "0" * 8, RolloutDriver.FLAG, "0" * 8, "m" * LONGEST, "1.0.0", "0.9.0", "production", progress, now
    )
    with pytest.raises(UsageError, match="too long"):
        require_writable([mark])


@given(st.integers(60, 110), st.sampled_from(Phase), st.sampled_from(Verdict))
def test_whatever_becomes_of_a_rollout_that_could_begin_can_be_written(
    length: int, phase: Phase, verdict: Verdict
) -> None:
    now = datetime(2026, 3, 2, tzinfo=UTC)
    begun = RolloutMark(
        "0" * 8, RolloutDriver.FLAG, "0" * 8, "m" * length, "1.0.0", "0.9.0", "production",
        Progress(Phase.RUNNING, 1, now), now,
    )  # fmt: skip
    later = begun.moved_to(Progress(phase, 12, now + timedelta(hours=1)), now, verdict)
    try:
        require_writable([begun])
    except UsageError:
        assert len(later.text) > LONGEST - 10
    else:
        assert len(later.text) <= LONGEST
        read = read_mark(later.text)
        assert read is not None
        assert read.progress == later.progress


@given(MARKS, st.integers(0, 999_999))
def test_a_mark_made_between_two_seconds_can_be_written(mark: RolloutMark, microsecond: int) -> None:
    require_writable([replace(mark, begun=mark.begun.replace(microsecond=microsecond))])


@pytest.mark.parametrize(
    ("names", "why"),
    [
        ({"environment": "prod eu"}, "the environment's name prod eu holds a space"),
        ({"model": "fraud eu"}, "the model's name fraud eu holds a space"),
        ({"version": "first"}, "cannot be told apart"),
    ],
)
def test_a_mark_that_nobody_could_read_back_is_refused(names: dict[str, str], why: str) -> None:
    now = datetime(2026, 3, 2, tzinfo=UTC)
    mark = RolloutMark(
        id="0" * 8,
        driver=RolloutDriver.FLAG,
        plan="0" * 8,
        model="fraud",
        version="1.0.0",
        control="0.9.0",
        environment="production",
        progress=Progress(Phase.RUNNING, 1, now),
        begun=now,
    )
    require_writable([mark])
    with pytest.raises(UsageError) as refused:
        require_writable([replace(mark, **names)])  # type: ignore[arg-type]
    assert why in refused.value.why


POLICY = RolloutPolicy(RolloutDriver.FLAG, (RolloutStep(10, timedelta(0)),), treatments=("a", "b", "c"))


@given(WORD.map(lambda word: word + "é X"), st.sampled_from(POLICY.treatments))
def test_flags_have_names_that_gitlab_takes(model: str, arm: str) -> None:
    name = flag_name(POLICY, model, arm)
    assert 2 <= len(name) <= 63
    assert name[0].isalpha()
    assert name[-1] not in "-_"
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789_-")


@given(st.text("0123456789abcdef", min_size=8, max_size=8), st.integers(0, 9))
def test_groups_are_letters_and_differ_by_arm(rollout: str, place: int) -> None:
    group = group_id(rollout, place)
    assert group.isascii()
    assert group.isalpha()
    assert len(group) <= 32
    assert group != group_id(rollout, place + 1)


@given(st.lists(st.integers(1, 30), min_size=1, max_size=3))
def test_flags_asked_in_order_give_each_arm_its_share(weights: list[int]) -> None:
    shares = shares_of(flag_percentages(weights))
    assert all(abs(share - weight) <= 0.51 for share, weight in zip(shares, weights, strict=True))
    assert sum(shares) <= 100


def test_two_arms_of_thirty_percent() -> None:
    # Independent flags of 30 % would give the second 21 %, and one group for both nothing at all.
    assert flag_percentages([30, 30]) == [30, 43]
    assert shares_of([30, 43]) == [30.0, pytest.approx(30.1)]
    assert arm_weights(POLICY, 30) == {"a": 10.0, "b": 10.0, "c": 10.0}
