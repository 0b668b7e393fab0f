"""What a log has more than before, as the log view takes it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mlops_tui.domain.jobs import JobLog
from mlops_tui.domain.snapshots import Snapshot
from mlops_tui.screens.job_log import grown
from tests.clocks import START


def log(*lines: str, job: int = 1) -> JobLog:
    return JobLog(job, lines, sum(map(len, lines)), is_complete=False)


def shown_after(*logs: JobLog) -> list[str]:
    """The lines that a reader sees after these looks."""
    lines: list[str] = []
    before = None
    for each in logs:
        chunk = grown(before, Snapshot(each, START, "gitlab"))
        if chunk.is_restart:
            lines.clear()
        if chunk.replaces_last:
            lines.pop()
        lines += chunk.lines
        before = each
    return lines


def test_only_what_is_new_is_drawn_and_a_line_that_grew_is_drawn_again() -> None:
    chunk = grown(log("one", "tw"), Snapshot(log("one", "two", "three"), START, "gitlab"))
    assert (chunk.lines, chunk.replaces_last, chunk.is_restart) == (("two", "three"), True, False)


def test_the_log_of_a_job_that_ran_again_is_drawn_anew() -> None:
    assert shown_after(log("one", "two"), log("one", job=2)) == ["one"]
    assert shown_after(log("one", "two"), log("one")) == ["one"]
    assert shown_after(log("one", "two"), log()) == []


@given(st.lists(st.lists(st.sampled_from("ab"), max_size=5), min_size=1, max_size=5))
def test_whatever_the_looks_the_last_one_is_shown(looks: list[list[str]]) -> None:
    assert shown_after(*(log(*look) for look in looks)) == looks[-1]
