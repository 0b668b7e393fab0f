"""GraphQL over HTTP: what a query looks like, and how many go into one request."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from mlops_tui.gitlab.messages import Answer

PATH = "/api/graphql"

Query: TypeAlias = "tuple[str, Mapping[str, Any]]"

# GitLab counts the query texts of all parts of an array together and refuses more than 10,000 characters
# (GitLab: app/controllers/graphql_controller.rb).
_MOST_CHARACTERS = 9_500


def body(query: str, variables: Mapping[str, Any]) -> dict[str, Any]:
    """One query as it is sent."""
    return {"query": query, "variables": dict(variables)}


def batches(queries: Sequence[Query]) -> Iterator[list[Query]]:
    """The queries in order, in groups that stay under GitLab's limit of text in one request."""
    batch: list[Query] = []
    size = 0
    for query in queries:
        if batch and size + len(query[0]) > _MOST_CHARACTERS:
            yield batch
            batch, size = [], 0
        batch.append(query)
        size += len(query[0])
    if batch:
        yield batch


def parts(answer: Answer, expected: int) -> list[Any]:
    """The answers to an array of queries; one object stands for all when GitLab refuses the whole request."""
    decoded = answer.json()
    if isinstance(decoded, dict):
        return [decoded] * expected
    if not isinstance(decoded, list) or len(decoded) != expected:
        raise answer.unreadable(f"{expected} GraphQL answers were expected")
    return decoded
