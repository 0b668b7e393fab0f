"""Commands in the text of notes and descriptions (GitLab: lib/gitlab/quick_actions/).

A command is a line that starts with `/`, outside code blocks, quotes and inline code; lines with an unknown command
stay text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mlops_tui.sandbox import issuables, labels

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from mlops_tui.sandbox.issuables import Issuable
    from mlops_tui.sandbox.request import Context

_LINE = re.compile(r"^/(?P<name>[a-z_]+)(?:[ \t]+(?P<argument>.*))?$", re.IGNORECASE)
_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})")
_LABEL = re.compile(r'~?"([^"]+)"|~?(\S+)')
_PASTED = {"shrug": "¯\\_(ツ)_/¯", "tableflip": "(╯°□°)╯︵ ┻━┻"}


@dataclass(slots=True)
class Outcome:
    """What the commands of a text did."""

    changes: dict[str, Any] = field(default_factory=dict)
    summary: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    @property
    def tried(self) -> bool:
        """Whether there was any command."""
        return bool(self.summary or self.failures)


def execute(context: Context, issuable: Issuable, text: str) -> tuple[str, Outcome]:
    """Carry out the commands of a text inside the caller's transaction; return what is left and what was done."""
    outcome = Outcome()
    kept = []
    for line, readable in _lines(text):
        match = _LINE.match(line) if readable else None
        name = match["name"].lower() if match else ""
        argument = (match["argument"] or "").strip() if match else ""
        if name in _PASTED:
            kept.append(f"{argument} {_PASTED[name]}".strip())
        elif name in _COMMANDS:
            _run(context, issuable, name, argument, outcome)
        else:
            kept.append(line)
    if not outcome.tried:
        return text, outcome
    return "\n".join(kept).strip(), outcome


def _lines(text: str) -> Iterable[tuple[str, bool]]:
    """Yield each line and whether a command on it would be read."""
    fence = ""
    quoted = False
    for line in text.splitlines():
        marker = _FENCE.match(line)
        if fence:
            yield line, False
            if marker and marker[1].startswith(fence) and not line.strip().strip(fence[0]):
                fence = ""
        elif marker:
            fence = marker[1]
            yield line, False
        elif line.strip() == ">>>":
            quoted = not quoted
            yield line, False
        else:
            yield line, not quoted


def _run(context: Context, issuable: Issuable, name: str, argument: str, outcome: Outcome) -> None:
    current = issuables.reread(context, issuable)
    done = issuables.may_change(context, current) and _COMMANDS[name](context, current, argument, outcome)
    if not done:
        outcome.failures.append(f"Could not apply {name} command.")


def _set_state(state: str) -> Callable[[Context, Issuable, str, Outcome], bool]:
    def command(context: Context, issuable: Issuable, _argument: str, outcome: Outcome) -> bool:
        if not issuables.set_state(context, issuable, state):
            return False
        outcome.changes["state_event"] = "close" if state == "closed" else "reopen"
        outcome.summary.append(f"{'Closed' if state == 'closed' else 'Reopened'} this {issuable.noun.title}.")
        return True

    return command


def _label_names(argument: str) -> list[str]:
    return [quoted or plain for quoted, plain in _LABEL.findall(argument)]


def change_labels(
    context: Context, issuable: Issuable, *, add: Iterable[str] | None = None, remove: Iterable[str] | None = None
) -> tuple[list[int], list[int]]:
    """Add and remove labels by name; return the ids that were added and those that were removed."""
    carried = [row["id"] for row in labels.labels_of(context.database, issuable.noun.type, issuable.id)]
    added = [number for number in labels.find_or_create(context, issuable.project, add or ()) if number not in carried]
    names = set(remove or ())
    rows = labels.labels_of(context.database, issuable.noun.type, issuable.id)
    removed = [row["id"] for row in rows if row["name"] in names]
    if added or removed:
        remaining = [number for number in carried if number not in removed]
        labels.replace_links(context, issuable.noun.type, issuable.id, remaining + added)
        issuables.touch(context, issuable)
    return added, removed


def _existing(context: Context, issuable: Issuable, names: Iterable[str]) -> list[str]:
    """Return the names that are labels already: a quick action never makes one."""
    statement = "SELECT 1 FROM labels WHERE project_id = ? AND name = ?"
    return [name for name in names if context.database.value(statement, (issuable.project.id, name))]


def _add_label(context: Context, issuable: Issuable, argument: str, outcome: Outcome) -> bool:
    names = _existing(context, issuable, _label_names(argument))
    if not names:
        return False
    added, _ = change_labels(context, issuable, add=names)
    outcome.changes["add_label_ids"] = added
    shown = " ".join(f"~{name}" if " " not in name else f'~"{name}"' for name in names)
    outcome.summary.append(f"Added {shown} label{'s' if len(names) > 1 else ''}.")
    return True


def _remove_label(context: Context, issuable: Issuable, argument: str, outcome: Outcome) -> bool:
    carried = [row["name"] for row in labels.labels_of(context.database, issuable.noun.type, issuable.id)]
    names = [name for name in _label_names(argument) if name in carried] if argument else carried
    if not names:
        return False
    _, removed = change_labels(context, issuable, remove=names)
    outcome.changes["remove_label_ids"] = removed
    outcome.summary.append(
        f"Removed {' '.join(f'~{name}' for name in names)} label{'s' if len(names) > 1 else ''}."
        if argument
        else "Removed all labels."
    )
    return True


def _relabel(context: Context, issuable: Issuable, argument: str, outcome: Outcome) -> bool:
    names = _existing(context, issuable, _label_names(argument))
    if not names:
        return False
    label_ids = labels.find_or_create(context, issuable.project, names)
    labels.replace_links(context, issuable.noun.type, issuable.id, label_ids)
    outcome.changes["label_ids"] = label_ids
    outcome.summary.append(f"Replaced all labels with {' '.join(f'~{name}' for name in names)}.")
    return True


def _retitle(context: Context, issuable: Issuable, argument: str, outcome: Outcome) -> bool:
    if not argument:
        return False
    changes = {"title": argument, "updated_at": context.timestamp()}
    context.database.update(issuable.noun.table, issuable.id, changes)
    outcome.changes["title"] = argument
    outcome.summary.append(f'Changed the title to "{argument}".')
    return True


def _named_users(context: Context, argument: str) -> list[Any]:
    me = context.authenticate().username
    names = [me if word == "me" else word.removeprefix("@") for word in argument.replace(",", " ").split()]
    rows = [context.database.one("SELECT * FROM users WHERE username = ?", (name,)) for name in names]
    return [row for row in rows if row is not None]


def _assign(context: Context, issuable: Issuable, argument: str, outcome: Outcome) -> bool:
    people = _named_users(context, argument)
    if not people:
        return False
    user_ids = [person["id"] for person in people]
    several = context.settings.premium
    issuables.assign(context, issuable, (issuables.assignee_ids(context, issuable) if several else []) + user_ids)
    outcome.changes["assignee_ids"] = user_ids
    outcome.summary.append(f"Assigned {' '.join('@' + person['username'] for person in people)}.")
    return True


def _unassign(context: Context, issuable: Issuable, argument: str, outcome: Outcome) -> bool:
    current = issuables.assignee_ids(context, issuable)
    gone = {person["id"] for person in _named_users(context, argument)} if argument else set(current)
    if not gone & set(current):
        return False
    remaining = [user_id for user_id in current if user_id not in gone]
    issuables.assign(context, issuable, remaining)
    outcome.changes["assignee_ids"] = remaining
    outcome.summary.append("Removed all assignees." if not remaining else "Removed an assignee.")
    return True


_COMMANDS: dict[str, Callable[[Context, Issuable, str, Outcome], bool]] = {
    "close": _set_state("closed"),
    "reopen": _set_state("opened"),
    "label": _add_label,
    "labels": _add_label,
    "unlabel": _remove_label,
    "remove_label": _remove_label,
    "relabel": _relabel,
    "title": _retitle,
    "assign": _assign,
    "unassign": _unassign,
    "remove_assignee": _unassign,
}
