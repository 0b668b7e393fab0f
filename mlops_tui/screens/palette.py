"""The command palette: every key that works here, and every view, found by name."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.types import IgnoreReturnCallbackType

from mlops_tui.widgets.footer import KeyHint, key_hints


class ActionProvider(Provider):
    """The actions that the current screen offers, by title and description."""

    async def discover(self) -> Hits:
        """All of them, before anything is typed."""
        for hint, run in self._offers():
            yield DiscoveryHit(_title(hint), run, help=self._help(hint))

    async def search(self, query: str) -> Hits:
        """Those whose title or description fits."""
        matcher = self.matcher(query)
        for hint, run in self._offers():
            score = max(matcher.match(hint.title), matcher.match(self._help(hint)))
            if score > 0:
                yield Hit(score, _title(hint), run, help=self._help(hint))

    def _offers(self) -> Iterator[tuple[KeyHint, IgnoreReturnCallbackType]]:
        nodes = {active.binding.id: active for active in self.screen.active_bindings.values() if active.enabled}
        for hint in key_hints(self.screen):
            active = nodes.get(hint.action_id)
            if active is not None and hint.action_id != "app.command_palette":
                yield hint, partial(self.app.run_action, active.binding.action, active.node)

    def _help(self, hint: KeyHint) -> str:
        actions = getattr(self.app, "actions", None)
        action = actions.get(hint.action_id) if actions is not None else None
        return action.description if action is not None else ""


def _title(hint: KeyHint) -> str:
    return f"{hint.title}  ({', '.join(hint.keys)})"
