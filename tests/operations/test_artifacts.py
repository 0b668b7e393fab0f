"""Files of runs: read as text, and brought onto this machine."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_tui.domain.artifacts import Artifact, DownloadProgress
from mlops_tui.domain.errors import GateError, RefusedError, UsageError
from mlops_tui.operations.artifacts import download, read_text, target_of
from mlops_tui.operations.runs import find_run, run_artifacts
from tests.faults.proxy import FaultProxy, Truncate
from tests.operations.training import MODEL_CARD, WEIGHTS, Training, sha256, training

__all__ = ["training"]


def artifact(path: str) -> Artifact:
    return Artifact(path, 1, None, 1, 1)


@pytest.mark.parametrize(
    "path",
    [
        "../evil",
        "a/../../evil",
        "/etc/passwd",
        "//etc/passwd",
        "",
        ".",
        "a\\b",
        "C:evil",
        "a\nb",
        "a/..",
        "\u202eexe.txt",
    ],
)
def test_a_name_that_leads_elsewhere_is_refused(tmp_path: Path, path: str) -> None:
    with pytest.raises(RefusedError):
        target_of(artifact(path), tmp_path)


def test_a_link_inside_the_folder_does_not_lead_out_of_it(tmp_path: Path) -> None:
    (tmp_path / "inside").mkdir()
    (tmp_path / "inside" / "out").symlink_to(tmp_path)
    with pytest.raises(RefusedError):
        target_of(artifact("out/file"), tmp_path / "inside")
    (tmp_path / "inside" / "dangling").symlink_to(tmp_path / "inside" / "nothing")
    with pytest.raises(RefusedError):
        target_of(artifact("dangling"), tmp_path / "inside", overwrite=True)


@given(path=st.text(alphabet="ab./\\:\x00 ", max_size=12))
def test_whatever_the_name_the_file_stays_in_the_folder(path: str) -> None:
    folder = Path("/nowhere/folder")
    try:
        target = target_of(artifact(path), folder)
    except RefusedError:
        return
    assert target.is_relative_to(folder)
    assert ".." not in target.parts


async def test_files_arrive_whole_and_checked(training: Training, tmp_path: Path) -> None:
    told: list[DownloadProgress] = []
    async with training.company(tmp_path).session() as session:
        run = await find_run(session, training.runs["xgb-large"])
        weights = next(item for item in await run_artifacts(session, run) if item.path == "model/weights.bin")
        saved = await download(session, run.project, weights, tmp_path / "files", told.append)
        assert saved.path.read_bytes() == WEIGHTS
        assert (saved.sha256, saved.is_verified) == (sha256(WEIGHTS), True)
        assert told[-1] == DownloadProgress(len(WEIGHTS), len(WEIGHTS))
        with pytest.raises(RefusedError, match="already there"):
            await download(session, run.project, weights, tmp_path / "files", told.append)
        (tmp_path / "file").write_text("in the way")
        with pytest.raises(UsageError, match="cannot be written"):
            await download(session, run.project, weights, tmp_path / "file", told.append)


@pytest.mark.serial
async def test_a_file_that_is_cut_off_on_the_way_is_not_kept(training: Training, tmp_path: Path) -> None:
    with FaultProxy(training.server.url) as proxy:
        async with training.company(tmp_path).session(url=proxy.url) as session:
            run = await find_run(session, training.runs["xgb-large"])
            weights = next(item for item in await run_artifacts(session, run) if item.path == "model/weights.bin")
            proxy.play(Truncate(100), path="*/download")
            with pytest.raises(GateError, match="SHA-256"):
                await download(session, run.project, weights, tmp_path / "files", lambda _: None)
    assert list((tmp_path / "files").rglob("*.bin*")) == []


async def test_text_is_read_and_what_is_none_is_refused(training: Training, tmp_path: Path) -> None:
    async with training.company(tmp_path).session() as session:
        run = await find_run(session, training.runs["xgb-large"])
        files = {item.path: item for item in await run_artifacts(session, run)}
        text = await read_text(session, run.project, files["card.md"])
        assert (text.text.encode(), text.is_whole) == (MODEL_CARD, True)
        with pytest.raises(GateError, match="is no text"):
            await read_text(session, run.project, files["model/weights.bin"])
