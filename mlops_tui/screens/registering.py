"""Changes of the registry: a version from a run, another card, a version or a model deleted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from mlops_tui.screens.acting import act, awaited
from mlops_tui.screens.view import View
from mlops_tui.widgets.chooser import Choice
from mlops_tui.widgets.editor import EditorDialog
from mlops_tui.widgets.form import ChoiceField, FormDialog, TextField

if TYPE_CHECKING:
    from mlops_tui.domain.actions import Receipt
    from mlops_tui.operations.actions import Action
    from mlops_tui.operations.models import ModelSummary
    from mlops_tui.operations.session import Session

READING = "Reading the registry…"
Done = Callable[["Receipt"], None]


def make_version(view: View, *, run_id: str = "", model: str = "") -> None:
    """Let the person make a version of a model from a run; whichever of the two is not given is asked for.

    Args:
        view: Where it is done from.
        run_id: The run, by its UUID.
        model: The model, as GROUP/PROJECT:NAME.
    """
    act(view, "Make version", partial(_prepare_version, view, run_id, model))


def edit_card(view: View, model: str, version: str = "") -> None:
    """Let the person edit the card of a version, or of the model where no version is given."""
    act(view, "Save card", partial(_prepare_card, view, model, version))


def delete_version(view: View, model: str, version: str, done: Done | None = None) -> None:
    """Let the person delete a version with its files."""

    async def prepare() -> Action | None:
        from mlops_tui.operations.versions import prepare_version_deletion

        session = view.host.session
        return await awaited(view, READING, prepare_version_deletion(session, model, version)) if session else None

    act(view, "Delete", prepare, done)


def delete_model(view: View, model: str, done: Done | None = None) -> None:
    """Let the person delete a model with all its versions."""

    async def prepare() -> Action | None:
        from mlops_tui.operations.versions import prepare_model_deletion

        session = view.host.session
        return await awaited(view, READING, prepare_model_deletion(session, model)) if session else None

    act(view, "Delete", prepare, done)


async def _prepare_version(view: View, run_id: str, model: str) -> Action | None:
    session = view.host.session
    if session is None:
        return None
    models = await awaited(view, READING, _models(session, run_id, model))
    answers = await view.app.push_screen_wait(_version_form(models, run_id)) if models is not None else None
    return await awaited(view, READING, _version_action(session, answers)) if answers is not None else None


async def _models(session: Session, run_id: str, model: str) -> list[ModelSummary]:
    """The models that a version can be made of: the one that is named, or those of the run's project."""
    from mlops_tui.operations.models import list_models
    from mlops_tui.operations.runs import find_run

    project = (await find_run(session, run_id)).project if run_id else None
    return [
        item
        for item in (await list_models(session)).data
        if (not model or item.name == model) and (project is None or item.project.ref.id == project.id)
    ]


async def _version_action(session: Session, answers: Mapping[str, str]) -> Action:
    from mlops_tui.operations.runs import find_run
    from mlops_tui.operations.versions import prepare_version

    run = await find_run(session, answers["run"])
    return await prepare_version(session, answers["model"], run, answers["number"], "")


def _version_form(models: list[ModelSummary], run_id: str) -> FormDialog:
    choices = tuple(Choice(item.name, item.model.name, _newest(item)) for item in models)
    first = choices[0].id if choices else None
    return FormDialog(
        "Make a model version from a run",
        (
            ChoiceField("model", "Model", choices, default=first),
            TextField("run", "Run id", default=run_id, placeholder="the run's UUID, y copies it on the run"),
            TextField(
                "number", "Version, left to GitLab when empty", is_required=False, placeholder="for instance 1.2.0"
            ),
        ),
    )


def _newest(summary: ModelSummary) -> str:
    return f"newest: {summary.model.latest.version}" if summary.model.latest else "no version yet"


async def _prepare_card(view: View, model: str, version: str) -> Action | None:
    from mlops_tui.operations.versions import CARD_LIMIT, prepare_card

    session = view.host.session
    if session is None:
        return None
    card = await awaited(view, READING, _card(session, model, version))
    if card is None:
        return None
    title = f"Card of {model.rpartition(':')[2]} {version}".rstrip()
    text = await view.app.push_screen_wait(EditorDialog(title, card, limit=CARD_LIMIT))
    return None if text is None else await awaited(view, READING, prepare_card(session, model, version, text))


async def _card(session: Session, name: str, number: str) -> str:
    """The card as it is now, not as it was drawn a while ago."""
    from mlops_tui.operations.models import find_model, find_version

    summary = await find_model(session, name)
    if not number:
        return summary.model.card
    _, version = await find_version(session, summary.project, summary.model.name, number)
    return version.card
