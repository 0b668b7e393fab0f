"""The files of a version: reading their text, and bringing them onto this machine with their sums checked."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mlops_tui.domain.artifacts import Artifact, DownloadProgress
from mlops_tui.domain.errors import MlopsError
from mlops_tui.domain.projects import ProjectRef
from mlops_tui.screens.view import View
from mlops_tui.widgets.form import FormDialog, TextField
from mlops_tui.widgets.pane import Pane

if TYPE_CHECKING:
    from mlops_tui.operations.session import Session


def download(view: View, project: ProjectRef, files: Sequence[Artifact], folder: str, pane: Pane) -> None:
    """Ask for a folder and save the files in it.

    Args:
        view: Where it is done from; leaving the view ends it.
        project: Whose files they are.
        files: The files.
        folder: The folder that is offered, inside the current one.
        pane: Its title says how far it is.
    """
    if any(worker.group == "download" and worker.is_running for worker in view.app.workers):
        view.notify("A download is still under way", severity="warning", markup=False)
        return
    view.run_worker(_download(view, project, files, folder, pane), group="download", exit_on_error=False)


def show_text(view: View, project: ProjectRef, file: Artifact) -> None:
    """Show the text of a file over the view, or say why that cannot be."""
    view.run_worker(_show_text(view, project, file), group="reading", exclusive=True, exit_on_error=False)


async def _show_text(view: View, project: ProjectRef, file: Artifact) -> None:
    from mlops_tui.operations.artifacts import TEXT_LIMIT, read_text
    from mlops_tui.widgets.text_dialog import TextDialog

    session = view.host.session
    if session is None:
        return
    try:
        text = await read_text(session, project, file)
    except MlopsError as error:
        view.notify(str(error), title=file.path, severity="warning", markup=False)
        return
    note = "" if text.is_whole else f"Only the first {TEXT_LIMIT // 1024} KiB are shown"
    view.app.push_screen(TextDialog(file.path, text.text, note=note))


def _folder(text: str) -> Path:
    return Path(text).expanduser()


async def _download(view: View, project: ProjectRef, files: Sequence[Artifact], folder: str, pane: Pane) -> None:
    session = view.host.session
    title = f"Download {len(files)} file{'' if len(files) == 1 else 's'}"
    form = FormDialog(title, [TextField("folder", "Into the folder", default=folder)], verb="Download")
    answers = await view.app.push_screen_wait(form)
    if answers is None or session is None:
        return
    target = _folder(answers["folder"])
    before = pane.status
    try:
        unverified = await _save(session, project, files, target, pane)
    except MlopsError as error:
        view.notify(str(error), title="Download", severity="error", timeout=15, markup=False)
        return
    finally:
        pane.status = before
    if unverified:
        text = f"No checksum is known of {', '.join(unverified)}, so nobody can tell whether they arrived whole"
        view.notify(text, title=f"Saved in {target}", severity="warning", timeout=15, markup=False)
    else:
        view.notify("Every checksum is the registry's", title=f"Saved in {target}", markup=False)


async def _save(
    session: Session, project: ProjectRef, files: Sequence[Artifact], folder: Path, pane: Pane
) -> list[str]:
    """Save one file after the other; returns the paths of those whose sum nobody knows."""
    from mlops_tui.operations import artifacts

    unverified: list[str] = []
    for place, item in enumerate(files, start=1):

        def tell(progress: DownloadProgress, name: str = item.path, place: int = place) -> None:
            done = f"{100 * progress.received // progress.total}%" if progress.total else f"{progress.received:,} B"
            pane.status = f"{name} {done}, file {place} of {len(files)}"

        saved = await artifacts.download(session, project, item, folder, tell)
        if not saved.is_verified:
            unverified.append(item.path)
    return unverified
