"""What each view asks anew of GitLab, counted on the way, in a small world and in a large one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from benchmarks.company import console, serving
from benchmarks.relay import Relay
from benchmarks.results import Row, Section
from benchmarks.terminal import Terminal

POLL_SECONDS = 3.0
POLLS = 3
# The keys that lead to each view from the one before.
VIEWS: Mapping[str, Sequence[str]] = {
    "overview": ("1",),
    "runs": ("2",),
    "a run": ("enter",),
    "models": ("3",),
    "a model": ("enter",),
    "a version": ("enter",),
    "environments": ("4",),
    "approvals": ("5",),
}
_A_MINUTE = 60 / 10
_LOOK_SECONDS = 1.0
_MOST_LOOKS = 60
_TENTH_OF_GITLAB_COM = 200


def measure() -> Section:
    """Requests of one poll, by view."""
    with ThreadPoolExecutor(2) as pool:
        small, large = pool.map(_counted, ("demo", "large"))
    rows = [_row(view, small[view], large[view]) for view in VIEWS]
    return Section(
        "Requests",
        f"Requests between two polls, the mean of {POLLS}, counted between the program and the sandbox, for one "
        "project: the demo world (some 40 runs, 7 versions) and the large one (100,000 runs, 500 versions). A view "
        "polls every 10 s unless the context says otherwise; gitlab.com allows 2,000 requests a minute.",
        tuple(rows),
    )


def _row(view: str, small: float, large: float) -> Row:
    # The demo world has more than one deployment to look at, the large world none: fewer is no surprise.
    holds = large <= small + 1 and small * _A_MINUTE < _TENTH_OF_GITLAB_COM
    return Row(view, f"large world: {large:.1f}", f"demo world: {small:.1f}", "", "no more for more rows", holds)


def _counted(world: str) -> dict[str, float]:
    """The requests of a poll by view, all looked at in one session, as a person would."""
    with (
        serving(world) as server,
        Relay(server.url) as relay,
        console(server, ("acme/fraud",), url=relay.url, poll_interval=POLL_SECONDS) as home,
        home.open() as terminal,
    ):
        terminal.settle(quiet=2.0)
        return {view: _of_view(terminal, relay, keys) for view, keys in VIEWS.items()}


def _of_view(terminal: Terminal, relay: Relay, keys: Sequence[str]) -> float:
    for key in keys:
        terminal.type(key)
        _until_quiet(terminal, relay)
    terminal.watch(POLL_SECONDS)
    relay.take()
    terminal.watch(POLLS * POLL_SECONDS)
    return relay.take().total() / POLLS


def _until_quiet(terminal: Terminal, relay: Relay) -> None:
    """Wait until a first reading is over: no request for a while that is shorter than the polls are apart."""
    for _ in range(_MOST_LOOKS):
        terminal.watch(_LOOK_SECONDS)
        if not relay.take().total():
            return
