"""Models of the registry and their versions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from mlops_tui.domain.projects import ProjectRef


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """One version of a model.

    ``version`` is the semantic version; ``id`` is the database id that downloads and GraphQL use; ``run_id`` is the
    UUID of the run it was made from; ``card`` is its Markdown description.
    """

    id: int
    project: ProjectRef
    model: str
    version: str
    run_id: str
    created_at: datetime
    card: str = ""
    package_id: int | None = None
    artifact_count: int | None = None
    author: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    web_path: str = ""


@dataclass(frozen=True, slots=True)
class Model:
    """A model with all its versions, newest semantic version first.

    ``versions`` is empty both for a model without versions and for a row whose versions were not asked for; the
    ``version_count`` tells the difference.
    """

    id: int
    project: ProjectRef
    name: str
    card: str
    created_at: datetime | None
    version_count: int
    latest: ModelVersion | None
    versions: tuple[ModelVersion, ...] = ()
    web_path: str = ""
