"""What monitoring keeps with a model version: its reference profile, and a report for each window that was stored."""

from __future__ import annotations

FOLDER = "drift/"
PROFILE_PATH = f"{FOLDER}reference-profile.json"


def is_monitoring_file(path: str) -> bool:
    """Whether a file of a version belongs to its monitoring, and is no part of the model."""
    return path.startswith(FOLDER)
