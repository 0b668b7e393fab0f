"""Lineage: from the commit to the deployments, with the links that are missing shown as missing."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class LineageKind(StrEnum):
    """What a node of the tree stands for."""

    COMMIT = "commit"
    PIPELINE = "pipeline"
    JOB = "job"
    RUN = "run"
    DATASET = "dataset"
    VERSION = "version"
    DEPLOYMENT = "deployment"


@dataclass(frozen=True, slots=True)
class LineageNode:
    """One link; ``is_missing`` marks one that should be there and is not known, ``detail`` then says why."""

    kind: LineageKind
    title: str
    detail: str = ""
    web_url: str = ""
    is_missing: bool = False
    children: tuple[LineageNode, ...] = ()
