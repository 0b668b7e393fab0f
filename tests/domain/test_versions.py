import itertools
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from semver import Version

from mlops_tui.domain.versions import in_version_order, latest_version, parse_version

numbers = st.integers(0, 12)
identifiers = st.one_of(numbers.map(str), st.sampled_from(["alpha", "beta", "rc", "a1", "x-y", "-", "0a"]))
dotted = st.lists(identifiers, min_size=1, max_size=3).map(".".join)
versions = st.builds(
    lambda core, prerelease, build: (
        ".".join(map(str, core)) + (f"-{prerelease}" if prerelease else "") + (f"+{build}" if build else "")
    ),
    st.tuples(numbers, numbers, numbers),
    st.one_of(st.none(), dotted),
    st.one_of(st.none(), dotted),
)

# The chain of semver.org, rule 11.
CHAIN = ["1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11",
         "1.0.0-rc.1", "1.0.0", "1.0.1", "1.9.0", "1.10.0", "2.0.0"]  # fmt: skip


def test_the_published_chain_is_in_order() -> None:
    assert in_version_order(reversed(CHAIN)) == CHAIN
    assert in_version_order(CHAIN, newest_first=True) == CHAIN[::-1]
    for low, high in itertools.combinations(CHAIN, 2):
        assert latest_version([low, high]) == high


@given(versions, versions)
def test_order_agrees_with_the_reference_library(left: str, right: str) -> None:
    one, other = parse_version(left), parse_version(right)
    assert one is not None
    assert other is not None
    judged = Version.parse(left).compare(right)
    assert (one > other) - (one < other) == judged
    assert (one == other) is (judged == 0)


@given(st.lists(versions, min_size=3, max_size=3))
def test_order_is_transitive(texts: list[str]) -> None:
    a, b, c = (parse_version(text) for text in texts)
    assert a is not None
    assert b is not None
    assert c is not None
    if a <= b <= c:
        assert a <= c


@given(versions)
def test_a_prerelease_comes_before_its_release(text: str) -> None:
    version = parse_version(text)
    assert version is not None
    release = f"{version.major}.{version.minor}.{version.patch}"
    if version.prerelease:
        assert in_version_order([release, text]) == [text, release]
    assert str(version) == text


@given(st.lists(st.one_of(versions, st.text(max_size=8)), max_size=8), st.randoms(use_true_random=False))
def test_the_order_of_any_texts_is_deterministic(texts: list[str], random: Random) -> None:
    shuffled = random.sample(texts, len(texts))
    for newest_first in (False, True):
        ordered = in_version_order(texts, newest_first=newest_first)
        assert in_version_order(shuffled, newest_first=newest_first) == ordered
        readable = [parse_version(text) is not None for text in ordered]
        assert readable == sorted(readable, reverse=True)


def test_build_metadata_has_no_precedence_but_a_fixed_place() -> None:
    assert parse_version("1.0.0+b") == parse_version("1.0.0+a")
    assert in_version_order(["1.0.0+b", "1.0.0", "1.0.0+a"]) == ["1.0.0", "1.0.0+a", "1.0.0+b"]


@pytest.mark.parametrize("text", ["", "1", "1.0", "v1.0.0", "01.0.0", "1.0.0-01", "1.0.0 ", "1\u0661.0.0", "latest",
                                  "9" * 5000 + ".0.0"])  # fmt: skip
def test_what_is_no_semantic_version_is_refused_and_sorts_last(text: str) -> None:
    assert parse_version(text) is None
    assert in_version_order([text, "0.0.1"]) == ["0.0.1", text]
    assert in_version_order([text, "0.0.1"], newest_first=True) == ["0.0.1", text]
    assert latest_version([text, "0.0.1"]) == "0.0.1"


def test_a_prerelease_of_the_next_version_is_the_latest() -> None:
    assert latest_version(["2.0.0-rc.1", "1.9.0"]) == "2.0.0-rc.1"
    assert latest_version([]) is None
    assert latest_version(["draft"]) == "draft"


def test_huge_prerelease_numbers_are_compared_by_value() -> None:
    low, high = "1.0.0-9", "1.0.0-1" + "0" * 5000
    assert in_version_order([high, low]) == [low, high]
