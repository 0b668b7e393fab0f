"""Tokens: which header each group of routes looks at, and where a token may travel."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never

from mlops_tui.domain.credentials import Secret, TokenKind
from mlops_tui.domain.errors import ConfigError, NotAllowedError
from mlops_tui.gitlab.hosts import Host

_FINGERPRINT_SALT = secrets.token_bytes(16)


class RouteKind(StrEnum):
    """Groups of routes that look at different headers."""

    API = "api"
    PACKAGE = "package"
    MLFLOW = "mlflow"
    GRAPHQL = "graphql"
    FLAGS = "flags"

    @classmethod
    def of(cls, path: str) -> RouteKind:
        """The group a path (from the instance's root) belongs to."""
        plain = path.partition("?")[0]
        if plain.startswith("/api/graphql"):
            return cls.GRAPHQL
        if "/ml/mlflow/" in plain:
            return cls.MLFLOW
        if "/packages/ml_models/" in plain:
            return cls.PACKAGE
        if "/feature_flags" in plain:
            return cls.FLAGS
        return cls.API


@dataclass(frozen=True, slots=True)
class Credential:
    """A token and its kind; raises ``ConfigError`` when the text cannot be a token."""

    kind: TokenKind
    secret: Secret

    def __post_init__(self) -> None:
        value = self.secret.reveal()
        if not value or not value.isascii() or not value.isprintable() or " " in value:
            raise ConfigError(
                "The token is not usable",
                why="it is empty, or holds spaces, line ends or characters that no token has",
                remedy="Copy it again from GitLab, without quotes or line ends",
                key="token",
            )

    @classmethod
    def personal(cls, token: str) -> Credential:
        """A personal, project or group access token."""
        return cls(TokenKind.PERSONAL, Secret(token))

    @property
    def fingerprint(self) -> str:
        """A name for the token that is good for telling two apart in this process, and for nothing else."""
        return hashlib.sha256(_FINGERPRINT_SALT + self.secret.reveal().encode()).hexdigest()[:16]


def credential_headers(credential: Credential | None, route: RouteKind) -> dict[str, str]:
    """The headers that present the token on a route.

    The routes of model package files look at nothing but Bearer (GitLab: lib/api/ml_model_packages.rb); a CI job token
    opens neither MLflow, GraphQL nor feature flags, which raises ``NotAllowedError`` before anything is sent.
    """
    if credential is None:
        return {}
    token = credential.secret.reveal()
    bearer = {"Authorization": f"Bearer {token}"}
    match credential.kind:
        case TokenKind.OAUTH:
            return bearer
        case TokenKind.PERSONAL:
            return bearer if route is RouteKind.PACKAGE else {"PRIVATE-TOKEN": token}
        case TokenKind.JOB:
            return _job_token_headers(token, route)
        case _:
            assert_never(credential.kind)


def require_safe_channel(host: Host, credential: Credential | None) -> None:
    """Raise ``ConfigError`` when the token would cross a network unencrypted."""
    if credential is None or host.is_encrypted or host.is_loopback:
        return
    raise ConfigError(
        f"The token is not sent to {host.origin}",
        why="plain http would show it to everybody on the way",
        remedy="Use https:// in the context's url",
        key="url",
    )


def _job_token_headers(token: str, route: RouteKind) -> dict[str, str]:
    match route:
        case RouteKind.API:
            return {"JOB-TOKEN": token}
        case RouteKind.PACKAGE:
            return {"Authorization": f"Bearer {token}"}
        case RouteKind.MLFLOW | RouteKind.GRAPHQL | RouteKind.FLAGS:
            names = {
                RouteKind.MLFLOW: "the MLflow routes",
                RouteKind.GRAPHQL: "GraphQL",
                RouteKind.FLAGS: "feature flags",
            }
            raise NotAllowedError(
                f"Could not ask {names[route]}",
                why="a CI job token does not open them",
                remedy="Use a project or personal access token with the scope api",
            )
        case _:
            assert_never(route)
