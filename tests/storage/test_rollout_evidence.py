"""The evidence of a rollout: each window once, whatever happens to the program that writes it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_tui.cli.measurements import moments
from mlops_tui.domain.judgements import EventSample, JudgePlan, Measurement, ValueSample
from mlops_tui.domain.policy import Direction, Guardrail, GuardrailKind
from mlops_tui.storage.errors import StorageError
from mlops_tui.storage.rollout_evidence import EvidenceFile

START = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
PLAN = JudgePlan(
    (
        Guardrail("errors", GuardrailKind.RATE, Direction.LOWER, 0.1),
        Guardrail("score", GuardrailKind.MEAN, Direction.LOWER, 0.1),
    )
)


def window(number: int) -> list[Measurement]:
    at = START + timedelta(seconds=10 * number)
    return [
        Measurement(at, "stable", "errors", EventSample(60, number % 3)),
        Measurement(at, "canary", "errors", EventSample(6, 0)),
        Measurement(at, "canary", "score", ValueSample(6, 1.5, 0.4)),
    ]


def windows(first: int, last: int) -> list[Measurement]:
    return [item for number in range(first, last + 1) for item in window(number)]


def test_windows_are_kept_once_and_read_as_a_replay(tmp_path: Path) -> None:
    file = EvidenceFile(tmp_path / "rollouts", "3f2a90c1-5d41402a")
    assert file.read().measurements == ()
    assert file.append(windows(1, 3), {"alpha": 0.05}).measurements == tuple(windows(1, 3))
    assert file.append(windows(1, 5), {"alpha": 0.01}) == file.read()
    assert file.read().measurements == tuple(windows(1, 5))
    assert '"alpha": 0.05' in file.plan_path.read_text()
    with file.path.open("rb") as lines:
        replayed = [item for moment in moments(lines, PLAN, "evidence") for item in moment.measurements]
    assert replayed == windows(1, 5)
    assert file.path.stat().st_mode & 0o077 == 0


@given(cut=st.integers(0, 2_000))
def test_what_a_crash_cut_off_is_kept_anew(tmp_path_factory: pytest.TempPathFactory, cut: int) -> None:
    file = EvidenceFile(tmp_path_factory.mktemp("evidence"), "cut")
    file.append(windows(1, 2), {})
    file.append(windows(3, 4), {})
    whole = file.path.read_bytes()
    file.path.write_bytes(whole[: cut % (len(whole) + 1)])
    assert file.read().measurements in {(), tuple(windows(1, 2)), tuple(windows(1, 4))}
    assert file.append(windows(1, 4), {}).measurements == tuple(windows(1, 4))
    assert file.path.read_bytes().count(b'"at"') == len(windows(1, 4))


def test_two_processes_keep_each_window_once(tmp_path: Path) -> None:
    files = [EvidenceFile(tmp_path, "shared") for _ in range(4)]

    def write(file: EvidenceFile) -> None:
        for last in range(1, 12):
            file.append(windows(1, last), {})

    with ThreadPoolExecutor(len(files)) as pool:
        list(pool.map(write, files))
    assert files[0].read().measurements == tuple(windows(1, 11))


def test_what_is_known_is_not_read_again(tmp_path: Path) -> None:
    file = EvidenceFile(tmp_path, "grown")
    known = file.append(windows(1, 3), {})
    whole = file.append(windows(4, 5), {}, known)
    assert file.read(known) == whole
    # The part that was read is not looked at again, whatever became of it.
    with file.path.open("r+b") as lines:
        lines.write(b"#" * 40)
    assert file.read(known) == whole
    assert file.read().measurements == ()
    # Of a file that was begun anew everything is read.
    file.path.unlink()
    assert file.append(windows(1, 1), {}, whole).measurements == tuple(windows(1, 1))


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "rollouts").write_text("a file")
    with pytest.raises(StorageError, match="cannot be used"):
        EvidenceFile(tmp_path / "rollouts", "x").append(windows(1, 1), {})
