import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_tui.domain.patterns import SUBJECT_LIMIT, PatternError, compile_pattern

COSTLY = [
    "(a+)+$",
    "(a|aa)*$",
    "(a*)*b",
    "((a?)b)*",
    "(?:a?){20}a{20}",
    r"(\w+\s?)*$",
    r"(a)\1",
    "(?P<n>a)(?P=n)",
    "(a)?(?(1)b|c)",
    ".*.*.*.*.*x",
    "a?" * 11,
    "(?x)a",
    "(?P<n>a+)*",
    "[a](b+){3}",
    "a" * 251,
]
ORDINARY = [
    "fail|kill",
    r"^train-\d+$",
    "(a|b)c",
    "[(*+]+",
    "(?i)adam",
    r"\(a+\)+",
    "a{2}b{1,3}",
    ".*auc.*loss",
    "(ab)+",
    "(?:ab){2}",
    "[]a]+x?",
    "(?#note)a{",
]


@pytest.mark.parametrize("text", COSTLY)
def test_patterns_that_could_run_away_are_refused(text: str) -> None:
    with pytest.raises(PatternError):
        compile_pattern(text)


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_patterns_are_accepted(text: str) -> None:
    assert compile_pattern(text).text == text


def test_an_accepted_pattern_ends_on_a_hostile_text() -> None:
    assert not compile_pattern("a*a*b").is_in("a" * 1_000_000)


def test_only_the_beginning_of_a_text_is_searched() -> None:
    pattern = compile_pattern("needle")
    assert pattern.is_in(" " * (SUBJECT_LIMIT - 6) + "needle")
    assert not pattern.is_in(" " * SUBJECT_LIMIT + "needle")


def test_case_counts_unless_told() -> None:
    assert not compile_pattern("auc").is_in("AUC")
    assert compile_pattern("auc", ignore_case=True).is_in("AUC")


@given(st.one_of(st.text(max_size=30), st.lists(st.sampled_from([*COSTLY, *ORDINARY, *"()[]{}|*+?\\^$"])).map("".join)))
def test_any_text_compiles_or_is_refused_with_a_place(text: str) -> None:
    try:
        compile_pattern(text)
        place = 0
    except PatternError as refusal:
        place = refusal.position
    assert 0 <= place <= len(text)
