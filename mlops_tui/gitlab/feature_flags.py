"""Feature flags: reading them, and the calls that make, move and delete them (GitLab: lib/api/feature_flags.rb)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import Field

from mlops_tui.domain.api_calls import ApiCall, Method
from mlops_tui.domain.canonical import JsonValue
from mlops_tui.domain.feature_flags import FLEXIBLE, FeatureFlag, FlagScope, FlagStrategy
from mlops_tui.domain.projects import ProjectRef
from mlops_tui.domain.text import clean
from mlops_tui.gitlab.hosts import path_segment
from mlops_tui.gitlab.payloads import Moment, Name, Payload, read_all
from mlops_tui.gitlab.transport import Transport

_VERSION = "new_version_flag"


class _Scope(Payload):
    id: int = 0
    environment_scope: Name = ""


class _Strategy(Payload):
    id: int = 0
    name: Name = ""
    parameters: dict[str, Any] = Field(default_factory=dict)
    scopes: tuple[_Scope, ...] = ()


class _Flag(Payload):
    name: Name
    description: Name = ""
    active: bool | None = True
    created_at: Moment | None = None
    strategies: tuple[_Strategy, ...] = ()


@dataclass(frozen=True, slots=True)
class FlagList:
    """The flags of a project by name; ``server_time`` is GitLab's own, None where it does not tell."""

    flags: tuple[FeatureFlag, ...]
    server_time: datetime | None


async def list_flags(transport: Transport, project: ProjectRef) -> FlagList:
    """Every flag of a project; reading them needs the role Developer."""
    flags: list[FeatureFlag] = []
    server_time: datetime | None = None
    page: int | None = 1
    while page is not None:
        answer = await transport.get(_path(project), {"page": str(page), "per_page": "100"}, what="read the flags")
        flags += [_record(row) for row in read_all(_Flag, answer.json(), "the feature flags")]
        server_time, page = answer.date, answer.next_page
    return FlagList(tuple(flags), server_time)


def flexible(group: str, percent: int, stickiness: str) -> dict[str, JsonValue]:
    """The strategy of a share: exactly these keys, the percentage as text of a whole number."""
    return {
        "name": FLEXIBLE,
        "parameters": {"groupId": group, "rollout": str(percent), "stickiness": stickiness},
    }


def create_flag_call(
    project: ProjectRef, name: str, description: str, strategies: Sequence[Mapping[str, JsonValue]], purpose: str
) -> ApiCall:
    """Make a flag; strategies carry their ``scopes``."""
    body: dict[str, JsonValue] = {"name": name, "version": _VERSION, "description": description, "active": True}
    if strategies:
        body["strategies"] = [dict(item) for item in strategies]
    return ApiCall(Method.POST, _path(project), body, purpose)


def change_flag_call(
    project: ProjectRef,
    name: str,
    description: str,
    strategies: Sequence[Mapping[str, JsonValue]],
    purpose: str,
    *,
    activates: bool = False,
) -> ApiCall:
    """Change a flag at once: what it says, and strategies by their ``id``; one without an ``id`` is added."""
    body: dict[str, JsonValue] = {"description": description}
    if activates:
        body["active"] = True
    if strategies:
        body["strategies"] = [dict(item) for item in strategies]
    return ApiCall(Method.PUT, f"{_path(project)}/{path_segment(name)}", body, purpose)


def delete_flag_call(project: ProjectRef, name: str, purpose: str) -> ApiCall:
    """Delete a flag."""
    return ApiCall(Method.DELETE, f"{_path(project)}/{path_segment(name)}", purpose=purpose)


def _path(project: ProjectRef) -> str:
    return f"/api/v4/projects/{project.id}/feature_flags"


def _record(row: _Flag) -> FeatureFlag:
    return FeatureFlag(
        row.name,
        row.description,
        bool(row.active),
        tuple(
            FlagStrategy(
                item.id,
                item.name,
                {clean(key): clean(str(value)) for key, value in item.parameters.items()},
                tuple(FlagScope(scope.id, scope.environment_scope) for scope in item.scopes),
            )
            for item in row.strategies
        ),
        row.created_at,
    )
