"""Giving the demo a past, as a process of its own: a reference profile in the registry, and traffic in the store.

``python -m mlops_tui.cli.demo_past --data DIR --sandbox URL``; it ends with its standard input, or when it is done.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from mlops_tui.cli.demo_traffic import PastTraffic, PastWindow, evaluation_rows, past_windows
from mlops_tui.config.paths import Paths
from mlops_tui.domain.clock import SystemClock
from mlops_tui.domain.contexts import Context
from mlops_tui.domain.credentials import FoundCredential, Secret, TokenKind
from mlops_tui.domain.drift import FeatureKind
from mlops_tui.domain.profiles import ReferenceProfile
from mlops_tui.domain.traces import Span, text_of
from mlops_tui.domain.window_slices import WindowProfile
from mlops_tui.operations.actions import run
from mlops_tui.operations.drift import profile_file
from mlops_tui.operations.reference_profiles import prepare_profile
from mlops_tui.operations.session import Session, open_session
from mlops_tui.storage.traces import FILE_NAME, TraceStore

_MODEL = "fraud"
_ROWS, _BINS = 10_000, 50
_BATCH = 2_000
_MODEST = 15
_COLUMNS = ("amount", "merchant_category", "hours_since_last_payment", "country_mismatch", "card_age_days")
_OUTPUTS = {"score": FeatureKind.SCORE, "label": FeatureKind.PREDICTION}


def main() -> None:
    """Make the past of a fresh demo."""
    parser = argparse.ArgumentParser(prog="python -m mlops_tui.cli.demo_past")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--sandbox", required=True)
    given = parser.parse_args()
    threading.Thread(target=_end_with_stdin, daemon=True).start()
    # Whoever looks at the dashboard comes first.
    os.nice(_MODEST)
    plan = read_plan(given.sandbox)
    if plan["arms"]:
        asyncio.run(make_past(given.data, given.sandbox, plan, past_windows(time.time())))


async def make_past(data: Path, sandbox: str, plan: Mapping[str, Any], windows: Iterable[PastWindow]) -> None:
    """Store the profiles of the versions that serve, and what the live one served in some windows.

    ``plan`` is what the sandbox says they are.
    """
    profiles = {arm["version"]: _profile(arm["version"]) for arm in plan["arms"]}
    live, project = plan["arms"][0], plan["project"]
    store = TraceStore(data / FILE_NAME, SystemClock())
    try:
        await store.add_profile(WindowProfile.of(profiles[live["version"]], "", _MODEL))
        await _store_profiles(data, sandbox, project["path"], profiles)
        await _append(store, PastTraffic(live["version"], project["id"], project["path"], live["commit"]), windows)
    finally:
        # The sandbox counts what is in its store by itself.
        await store.close(counts=False)


def read_plan(sandbox: str) -> dict[str, Any]:
    """What the sandbox says is to serve."""
    with urllib.request.urlopen(f"{sandbox}/-/sandbox/inference", timeout=30) as answer:  # noqa: S310 - loopback
        plan: dict[str, Any] = json.load(answer)
        return plan


def _profile(version: str) -> ReferenceProfile:
    """The profile of what a version was evaluated on."""
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / "evaluation.csv"
        lines = [",".join((*_COLUMNS, *_OUTPUTS))]
        for features, prediction in evaluation_rows(version, _ROWS):
            outputs = ("", "") if prediction is None else (text_of(prediction.score), text_of(prediction.label))
            lines.append(",".join([*(text_of(features.get(name)) for name in _COLUMNS), *outputs]))
        table.write_text("\n".join(lines) + "\n", encoding="utf-8")
        kinds = {**dict.fromkeys(_COLUMNS), **_OUTPUTS}
        return profile_file(str(table), kinds, _BINS).profile


async def _store_profiles(data: Path, sandbox: str, project: str, profiles: dict[str, ReferenceProfile]) -> None:
    """Store each profile with its version, as the developer who made it would have."""
    token = json.loads((data / "tokens.json").read_text(encoding="utf-8"))["developer"]
    context = Context(name="demo", url=sandbox, projects=(project,))
    credential = FoundCredential(TokenKind.PERSONAL, Secret(token), "the sandbox")
    with tempfile.TemporaryDirectory() as home:
        root = Path(home)
        places = Paths(root / "config", root / "cache", root / "state", root / "data")
        async with open_session(context, credential, SystemClock(), paths=places) as session:
            for version, profile in profiles.items():
                await _store_one(session, version, profile)


async def _store_one(session: Session, version: str, profile: ReferenceProfile) -> None:
    action = await prepare_profile(session, _MODEL, version, profile, "what the version was evaluated on")
    if action is not None:
        await run(session, action, "yes")


async def _append(store: TraceStore, traffic: PastTraffic, windows: Iterable[PastWindow]) -> None:
    waiting: list[Span] = []
    for window in windows:
        waiting += traffic.spans(window)
        if len(waiting) >= _BATCH:
            await store.append(waiting)
            waiting = []
    await store.append(waiting)


def _end_with_stdin() -> None:
    while os.read(sys.stdin.fileno(), 4_096):
        pass
    os._exit(0)


if __name__ == "__main__":
    main()
