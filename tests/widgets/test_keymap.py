"""The user's own keys, and the shipped ones."""

from __future__ import annotations

import pytest

from mlops_tui.domain.errors import ConfigError
from mlops_tui.screens.actions import all_actions
from mlops_tui.widgets._textual_compat import key_name
from mlops_tui.widgets.actions import KeyAction, Registry
from mlops_tui.widgets.keymap import default_clashes, resolve_keymap

REGISTRY = Registry(
    (
        KeyAction("app.leave", ("q",), "Quit", ""),
        KeyAction("view.filter", ("slash",), "Filter", ""),
        KeyAction("models.promote", ("P",), "Promote", "", changes=True),
        KeyAction("models.roll_back", ("R",), "Roll back", "", changes=True),
        KeyAction("runs.compare", ("c",), "Compare", ""),
        KeyAction("table.mark", ("space",), "Mark", ""),
        KeyAction("log.follow", ("f",), "Follow", ""),
    )
)


def test_the_shipped_keys_do_not_clash_and_are_keys_that_terminals_send() -> None:
    actions = all_actions()
    assert default_clashes(actions) == []
    resolve_keymap(actions, {action.id: list(action.keys) for action in actions})


def test_no_shipped_key_is_one_that_terminals_or_multiplexers_take() -> None:
    keys = {key_name(key) for action in all_actions() for key in action.keys}
    assert not {key for key in keys if key.startswith("alt+")}
    assert not keys & {f"ctrl+{letter}" for letter in "hijmsq"}


def test_every_action_that_changes_something_sits_on_a_capital() -> None:
    for action in all_actions():
        if action.changes:
            assert all(len(key) == 1 and key.isupper() for key in action.keys), action.id


def test_takes_lists_and_commas_and_names_keys_as_people_do() -> None:
    assert resolve_keymap(REGISTRY, {"models.promote": ["F5", "ctrl+g"], "view.filter": "/,ctrl+f"}) == {
        "models.promote": "f5,ctrl+g",
        "view.filter": "slash,ctrl+f",
    }


def test_swapping_two_keys_is_no_clash() -> None:
    assert resolve_keymap(REGISTRY, {"models.promote": "R", "models.roll_back": "P"})


def test_keys_of_different_widgets_may_be_the_same() -> None:
    assert resolve_keymap(REGISTRY, {"table.mark": "f"})


@pytest.mark.parametrize(
    ("action_id", "key", "part"),
    [
        ("models.promot", "P", "no such action"),
        ("models.promote", "hyper+p", "no key"),
        ("models.promote", "shift+a", "no key"),
        ("models.promote", "nokey", "no key"),
        ("models.promote", "ctrl+i", "cannot be told apart"),
        ("models.promote", "tab", "taken"),
        ("models.promote", "", "No key"),
        ("models.promote", "R", "share a key"),
        ("models.promote", "q", "share a key"),
        ("models.promote", "space", "share a key"),
    ],
)
def test_a_wrong_key_is_an_error_with_its_line(action_id: str, key: str, part: str) -> None:
    lines = {action_id: 12}
    with pytest.raises(ConfigError) as caught:
        resolve_keymap(REGISTRY, {action_id: key}, source="config.toml", line_of=lines.get)
    assert caught.value.line == 12
    assert str(caught.value).startswith(f'config.toml:12: keymap."{action_id}": ')
    assert part in str(caught.value)


def test_a_mistyped_action_is_told_its_neighbour() -> None:
    with pytest.raises(ConfigError, match=r"Did you mean models\.promote"):
        resolve_keymap(REGISTRY, {"models.promot": "P"})
