"""The data a fresh sandbox starts with: people, repositories, training and delivery, in that order."""

from __future__ import annotations

from importlib import import_module, util
from random import Random
from typing import TYPE_CHECKING

from mlops_tui.sandbox.world import people

if TYPE_CHECKING:
    from mlops_tui.sandbox.clock import Clock
    from mlops_tui.sandbox.database import Database
    from mlops_tui.sandbox.settings import World

ROLES = people.ROLES


def build(world: World, database: Database, clock: Clock, seed: int) -> None:
    """Fill an empty database inside the caller's transaction.

    Each module of this package has `build(world, database, clock, random)` and draws from a generator of its own, so
    that a change of one leaves the others as they were. Dates are relative to the clock's now.
    """
    for name in ("people", "repositories", "training", "delivery"):
        if util.find_spec(f"{__name__}.{name}") is not None:
            module = import_module(f"{__name__}.{name}")
            module.build(world, database, clock, Random(f"{seed} {name}"))  # noqa: S311 - sample data
