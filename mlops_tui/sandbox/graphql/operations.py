"""What the resolvers of one request share, and what they may answer with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from graphql import GraphQLError

if TYPE_CHECKING:
    from collections.abc import Callable

    from mlops_tui.sandbox.access import Project, Role
    from mlops_tui.sandbox.authentication import User
    from mlops_tui.sandbox.database import Database
    from mlops_tui.sandbox.request import Context

    # Called with the parent, the operation and the field's arguments in snake case.
    Resolver = Callable[..., Any]

_NOT_AVAILABLE = (
    "The resource that you are attempting to access does not exist or you don't have permission to perform this action"
)


def not_available() -> GraphQLError:
    """Refuse a mutation, in the words GitLab has for "missing" and "forbidden" alike."""
    return GraphQLError(_NOT_AVAILABLE)


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of a request; `calls` counts across all operations of an array body."""

    context: Context
    fingerprint: str
    score: int
    limit: int
    calls: dict[tuple[str, str], int] = field(default_factory=dict)

    @property
    def database(self) -> Database:
        """The sandbox's state."""
        return self.context.database

    @property
    def user(self) -> User | None:
        """Who asks, or None."""
        return self.context.user

    def role(self, project: Project) -> Role:
        """Return the caller's role on a project."""
        return self.context.role(project)

    def may_mutate(self) -> bool:
        """Tell whether the token opens mutations at all: scope `api`."""
        return self.context.token is not None and "api" in self.context.token.scopes

    def web_path(self, project: Project, path: str) -> str:
        """Return the path of one of a project's web pages."""
        return f"{self.context.settings.root_path}/{project.full_path}/-/{path}"

    def count_call(self, owner: str, name: str, limit: int) -> None:
        """Count a call of a field that may be resolved a few times only.

        Two parts of an array body with the same text share one count (GitLab:
        lib/gitlab/graphql/limit/field_call_count.rb).

        Raises:
            GraphQLError: above the limit.
        """
        key = (self.fingerprint, f"{owner}.{name}")
        self.calls[key] = self.calls.get(key, 0) + 1
        if self.calls[key] > limit:
            raise GraphQLError(f'"{name}" field can be requested only for {limit} {owner}(s) at a time.')
