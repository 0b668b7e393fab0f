"""The user's own keys, checked at start: Textual accepts unknown ids, impossible keys and clashes in silence."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from textual.keys import KEY_ALIASES, Keys, format_key

from mlops_tui.domain.errors import ConfigError
from mlops_tui.widgets._textual_compat import key_name
from mlops_tui.widgets.actions import KeyAction, Registry, may_meet

_SAME_BYTE = {
    "ctrl+h": "Backspace",
    "ctrl+i": "Tab",
    "ctrl+j": "Enter",
    "ctrl+m": "Enter",
}
_TAKEN = {
    "tab": "moves to the next pane",
    "shift+tab": "moves to the pane before",
    "ctrl+c": "leaves the program or copies a selection",
}
_KNOWN = {key.value for key in Keys} | set(KEY_ALIASES)

LineFinder = Callable[[str], int | None]


def resolve_keymap(
    registry: Registry,
    chosen: Mapping[str, str | Sequence[str]],
    *,
    source: str = "",
    line_of: LineFinder = lambda _key: None,
) -> dict[str, str]:
    """The user's keys as ``App.set_keymap`` takes them.

    Args:
        registry: All actions.
        chosen: Keys by action id; a list, or one text with commas.
        source: The file they come from, for errors.
        line_of: Finds the line of an action id in that file.

    Raises:
        ConfigError: for an unknown action, a key that no terminal sends, or two actions on one key.
    """
    checker = _Checker(registry, source, line_of)
    own = {action_id: checker.keys(action_id, keys) for action_id, keys in chosen.items()}
    checker.refuse_clashes(own)
    return {action_id: ",".join(keys) for action_id, keys in own.items()}


def default_clashes(registry: Registry) -> list[tuple[KeyAction, KeyAction, str]]:
    """Pairs of actions that share a key and may be available at once; the shipped table has none."""
    keys = {action.id: [key_name(key) for key in action.keys] for action in registry}
    return list(_clashes(registry, keys))


class _Checker:
    def __init__(self, registry: Registry, source: str, line_of: LineFinder) -> None:
        self._registry = registry
        self._source = source
        self._line_of = line_of

    def keys(self, action_id: str, keys: str | Sequence[str]) -> list[str]:
        if action_id not in self._registry:
            raise self._error(action_id, "There is no such action", "", self._nearest(action_id))
        written = keys.split(",") if isinstance(keys, str) else keys
        names = [self._key(action_id, key.strip()) for key in written if key.strip() or key == " "]
        if not names:
            raise self._error(action_id, "No key is given", "", "Leave the line out to keep the default")
        return names

    def refuse_clashes(self, own: Mapping[str, list[str]]) -> None:
        keys = {action.id: own.get(action.id) or [key_name(key) for key in action.keys] for action in self._registry}
        for one, other, key in _clashes(self._registry, keys):
            mine, theirs = (one, other) if one.id in own else (other, one)
            if mine.id in own:
                why = f"{key} is also the key of {theirs.id} ({theirs.title})"
                raise self._error(mine.id, "Two actions share a key", why, "Give one of them another key")

    def _key(self, action_id: str, written: str) -> str:
        name = key_name(written)
        bare = name.rpartition("+")[2]
        if name in _SAME_BYTE:
            why = f"terminals send the same for {written} and {_SAME_BYTE[name]}"
            raise self._error(action_id, f"{written} cannot be told apart", why, "Choose another key")
        if name in _TAKEN:
            raise self._error(action_id, f"{written} is taken", f"it {_TAKEN[name]}", "Choose another key")
        if not _is_sent(name, bare):
            remedy = "Write keys like P, f5, slash or ctrl+g"
            raise self._error(action_id, f"{written!r} is no key", "no terminal sends it", remedy)
        return name

    def _nearest(self, action_id: str) -> str:
        from difflib import get_close_matches

        near = get_close_matches(action_id, [action.id for action in self._registry], n=1)
        return f"Did you mean {near[0]}" if near else "The help (?) names all actions"

    def _error(self, action_id: str, what: str, why: str, remedy: str) -> ConfigError:
        key = f'keymap."{action_id}"'
        return ConfigError(what, why=why, remedy=remedy, source=self._source, key=key, line=self._line_of(action_id))


def _is_sent(name: str, bare: str) -> bool:
    if name in _KNOWN:
        return True
    modifiers = name.split("+")[:-1]
    if any(modifier not in {"ctrl", "alt", "shift"} for modifier in modifiers) or len(set(modifiers)) < len(modifiers):
        return False
    if not modifiers or modifiers == ["alt"]:
        return _is_character(bare) or bare in _KNOWN
    return False


def _is_character(name: str) -> bool:
    """Whether this is Textual's name of one printable character ("a", "P", "full_stop")."""
    return name == "space" or (len(format_key(name)) == 1 and format_key(name).isprintable())


def _clashes(registry: Registry, keys: Mapping[str, Sequence[str]]) -> list[tuple[KeyAction, KeyAction, str]]:
    holders: dict[str, list[KeyAction]] = {}
    for action in registry:
        for key in keys[action.id]:
            holders.setdefault(key, []).append(action)
    return [
        (one, other, key)
        for key, actions in holders.items()
        for index, one in enumerate(actions)
        for other in actions[index + 1 :]
        if may_meet(one, other)
    ]
