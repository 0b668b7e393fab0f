"""Rollouts: what one can ask of them and do with them. The door; each thing has a file of its own behind it."""

from __future__ import annotations

from mlops_tui.operations.rollout_aborts import prepare_abort
from mlops_tui.operations.rollout_listing import renewed, rollout, rollouts
from mlops_tui.operations.rollout_starts import prepare_start
from mlops_tui.operations.rollout_steps import prepare_advance, prepare_full, prepare_hold, prepare_resume

__all__ = [
    "prepare_abort",
    "prepare_advance",
    "prepare_full",
    "prepare_hold",
    "prepare_resume",
    "prepare_start",
    "renewed",
    "rollout",
    "rollouts",
]
