import sys
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mlops_tui.domain.text import clean, clean_block, clean_log, counted

ESC = "\x1b"
BIDI = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c"
DRAWN_FORMATS = set("\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd")

pieces = st.sampled_from(
    [f"{ESC}[31m", f"{ESC}]0;title\x07", f"{ESC}]52;c;AAAA{ESC}\\", f"{ESC}P1$r", "\x9b2J", "\x9d8;;x\x9c", ESC, "\r",
     "\r\n", "\n", "\t", "\x00", "\u202e", "\u2066", "\u200b", "\ufe0f", "\u0301" * 9, "שלום", "مرحبا", "name",
     "[/foo]", "section_start:1:a\r", "section_end:2:a\r", "\ud800", "é", "\N{PARTY POPPER}", "\u2028"]
)  # fmt: skip
texts = st.one_of(st.text(max_size=80), st.lists(pieces, max_size=12).map("".join))


def unsafe(text: str, allowed: str = "") -> list[str]:
    return [
        character
        for character in text
        if unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"}
        and character not in allowed
        and character not in DRAWN_FORMATS
    ]


@given(texts)
@example("a\ud800b")
def test_a_clean_name_is_one_line_without_control_characters(text: str) -> None:
    assert unsafe(clean(text)) == []


@given(texts)
def test_a_clean_block_keeps_only_newline_and_tab(text: str) -> None:
    assert unsafe(clean_block(text), allowed="\n\t") == []


@given(texts, st.integers(0, 40))
def test_cleaning_is_idempotent_and_bounded(text: str, limit: int) -> None:
    for function in (clean, clean_block):
        once = function(text, limit)
        assert len(once) <= limit
        assert function(once, limit) == once


@given(texts)
def test_a_clean_log_is_made_of_safe_lines(text: str) -> None:
    log = clean_log(text, line_limit=50)
    for line in log.lines:
        assert unsafe(line, allowed="\t") == []
        assert len(line) <= 50
    for section in log.sections:
        assert 0 <= section.start <= section.end <= len(log.lines)


def test_every_character_that_unicode_calls_a_control_is_taken_out() -> None:
    every = "".join(chr(point) for point in range(sys.maxunicode + 1))
    assert unsafe(clean(every, limit=len(every))) == []


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (f"{ESC}]0;owned{ESC}\\model", "model"),
        (f"{ESC}]52;c;ZWNobw==\x07model", "model"),
        (f"{ESC}]0;never closed", ""),
        (f"{ESC}]0;never closed\nnext", " next"),
        (f"{ESC}[2J{ESC}[1;1Hmodel{ESC}[0m", "model"),
        (f"{ESC}Pq#0;2;0;0;0{ESC}\\model", "model"),
        (f"{ESC}_apc{ESC}\\{ESC}^pm{ESC}\\model", "model"),
        ("\x9b31mmodel\x9d0;title\x9c", "model"),
        (f"see {ESC}]8;;https://example.com{ESC}\\this{ESC}]8;;{ESC}\\", "see this"),
        ("[/foo] [@click=app.quit]run[/]", "[/foo] [@click=app.quit]run[/]"),
        ("fraud\u202egnp.exe", "fraudgnp.exe"),
        ("fra\u200bud\ufeff", "fraud"),
        ("שלום עולם", "שלום עולם"),
        ("مرحبا", "مرحبا"),
        ("two\nlines\tand a\u00a0space", "two lines and a space"),
        ("lone \ud83d surrogate", "lone \ufffd surrogate"),
        ("a" + "\u0301" * 50, "a" + "\u0301" * 4),
    ],
)
def test_known_attacks_and_ordinary_names(raw: str, expected: str) -> None:
    assert clean(raw) == expected


def test_bidirectional_controls_are_gone_from_blocks_and_logs() -> None:
    assert clean_block(f"a{BIDI}b") == "ab"
    assert clean_log(f"a{BIDI}b").lines == ("ab",)


def test_blocks_keep_their_shape() -> None:
    assert clean_block("a\r\nb\rc\u2028d\te") == "a\nb\nc\nd\te"


def test_long_text_ends_in_an_ellipsis() -> None:
    assert clean("x" * 10, limit=5) == "xxxx…"
    assert clean("x" * 5, limit=5) == "xxxxx"


def test_a_progress_bar_leaves_its_last_state() -> None:
    log = clean_log(f"epoch 1\n 10%\r 50%{ESC}[K\r100%\r\ndone\r\n")
    assert log.lines == ("epoch 1", "100%", "done")


def test_blank_lines_of_a_log_stay() -> None:
    assert clean_log("a\n\nb\n").lines == ("a", "", "b")


def test_sections_fold_the_lines_between_their_marks() -> None:
    raw = (
        f"Running\nsection_start:100:train[collapsed=true]\r{ESC}[0K{ESC}[36mTraining{ESC}[0m\n"
        f"section_start:110:fit\r{ESC}[0KFit\nloss 0.3\nsection_end:150:fit\r{ESC}[0K\nsaved\n"
        f"section_end:160:train\r{ESC}[0Ksection_start:161:upload\r{ESC}[0KUpload\n1 file\n"
    )
    log = clean_log(raw)
    assert log.lines == ("Running", "Training", "Fit", "loss 0.3", "saved", "Upload", "1 file")
    train, fit, upload = log.sections
    assert (train.name, train.start, train.end, train.seconds, train.collapsed) == ("train", 1, 5, 60, True)
    assert (fit.start, fit.end, fit.seconds, fit.collapsed) == (2, 4, 40, False)
    assert (upload.start, upload.end, upload.ended) == (5, 7, None)


def test_an_end_without_a_start_is_ignored() -> None:
    assert clean_log("section_end:1:ghost\r\nline\n").sections == ()


def test_runner_time_stamps_are_taken_off_and_split_lines_joined() -> None:
    raw = (
        "2025-06-10T09:00:00.000001Z 00O first half,\n2025-06-10T09:00:00.000002Z 00O+ second half\n"
        "2025-06-10T09:00:01.000000Z 01E warning\n"
    )
    assert clean_log(raw).lines == ("first half, second half", "warning")


@pytest.mark.parametrize(("number", "told"), [(0, "0 calls"), (1, "1 call"), (2, "2 calls")])
def test_a_number_goes_with_its_noun(number: int, told: str) -> None:
    assert counted(number, "call") == told
