"""Tokens and the users they stand for (GitLab: lib/gitlab/auth/auth_finders.rb, lib/api/api_guard.rb)."""

from __future__ import annotations

import hashlib
import json
import secrets
import string
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, Any

from mlops_tui.sandbox import errors
from mlops_tui.sandbox.clock import timestamp

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from starlette.datastructures import Headers

    from mlops_tui.sandbox.database import Database, Row

_ALPHABET = string.ascii_letters + string.digits
READING_VERBS = frozenset({"GET", "HEAD"})


class Credentials(Enum):
    """Which ways of presenting a token a route understands."""

    ANY = auto()
    BEARER = auto()
    NONE = auto()


@dataclass(frozen=True, slots=True)
class Policy:
    """What a route asks of the caller before its handler runs.

    `scopes` are all scopes registered for the route, in the order of the refusal's text; those that start with
    `read_` open only GET and HEAD. `authenticated` refuses anonymous callers at once. `job_token` opens the route to
    CI job tokens. `raw_body` leaves the request body unread, for uploads. `limiter` names an application rate limit.
    """

    scopes: tuple[str, ...] = ("api", "read_api")
    credentials: Credentials = Credentials.ANY
    authenticated: bool = False
    job_token: bool = False
    raw_body: bool = False
    limiter: str | None = None


@dataclass(frozen=True, slots=True)
class User:
    """The person or bot a request acts for."""

    id: int
    username: str
    name: str
    email: str
    admin: bool
    bot: bool

    @classmethod
    def from_row(cls, row: Row) -> User:
        """Read a row of `users`."""
        return cls(
            row["id"], row["username"], row["name"], row["email"], admin=bool(row["admin"]), bot=bool(row["bot"])
        )


@dataclass(frozen=True, slots=True)
class Token:
    """A personal, project, group (`kind` = `personal`) or `oauth` token."""

    id: int
    kind: str
    scopes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class JobToken:
    """The token of a running CI job."""

    job_id: int
    project_id: int


@dataclass(frozen=True, slots=True)
class Identity:
    """What the credentials of a request amount to; everything is None for an anonymous caller."""

    user: User | None = None
    token: Token | None = None
    job: JobToken | None = None


def find_user(database: Database, user_id: int | None) -> User | None:
    """Find a user by id."""
    row = database.one("SELECT * FROM users WHERE id = ?", (user_id,))
    return User.from_row(row) if row else None


def identify(
    database: Database,
    now: datetime,
    policy: Policy,
    verb: str,
    headers: Headers,
    params: Mapping[str, Any],
    realm: str,
) -> Identity:
    """Find out who calls.

    Raises:
        ApiError: 401 for an unknown, expired or revoked token, 403 for one without a fitting scope.
    """
    if policy.credentials is Credentials.NONE:
        return Identity()
    bearer = _bearer(headers)
    if policy.job_token and (job := _job_identity(database, policy, headers, params, bearer)):
        return job
    secret = _presented(policy, headers, params, bearer)
    if not secret:
        return Identity()
    return _token_identity(database, now, policy, verb, secret, realm)


def _bearer(headers: Headers) -> str | None:
    kind, _, secret = headers.get("authorization", "").partition(" ")
    return secret.strip() if kind.lower() == "bearer" and secret.strip() else None


def _presented(policy: Policy, headers: Headers, params: Mapping[str, Any], bearer: str | None) -> str | None:
    if policy.credentials is Credentials.BEARER:
        return bearer
    candidates = (headers.get("private-token"), params.get("private_token"), bearer, params.get("access_token"))
    return next((str(candidate) for candidate in candidates if candidate), None)


def _job_identity(
    database: Database, policy: Policy, headers: Headers, params: Mapping[str, Any], bearer: str | None
) -> Identity | None:
    bearer_only = policy.credentials is Credentials.BEARER
    explicit = None if bearer_only else headers.get("job-token") or params.get("job_token")
    secret = explicit or bearer
    if not secret:
        return None
    row = database.one("SELECT * FROM job_tokens WHERE digest = ?", (digest(str(secret)),))
    if row is None:
        if explicit:
            raise errors.unauthorized()
        return None
    return Identity(user=find_user(database, row["user_id"]), job=JobToken(row["job_id"], row["project_id"]))


def _token_identity(database: Database, now: datetime, policy: Policy, verb: str, secret: str, realm: str) -> Identity:
    row = database.one("SELECT * FROM personal_access_tokens WHERE digest = ?", (digest(secret),))
    if row is None:
        raise errors.unauthorized()
    if row["revoked"]:
        raise errors.token_revoked(realm)
    if row["expires_at"] and row["expires_at"] <= timestamp(now)[:10]:
        raise errors.token_expired(realm)
    token = Token(row["id"], row["kind"], tuple(json.loads(row["scopes"])))
    if policy.scopes and not _sufficient(token.scopes, policy.scopes, verb):
        raise errors.insufficient_scope(policy.scopes)
    _note_use(database, row, now)
    return Identity(user=find_user(database, row["user_id"]), token=token)


def _sufficient(held: Sequence[str], registered: Sequence[str], verb: str) -> bool:
    return any(scope in held and (verb in READING_VERBS or not scope.startswith("read_")) for scope in registered)


def _note_use(database: Database, row: Row, now: datetime) -> None:
    """Remember the last use to the minute, as GitLab does, so that reading does not write each time."""
    used = timestamp(now)
    if (row["last_used_at"] or "")[:16] != used[:16]:
        database.execute("UPDATE personal_access_tokens SET last_used_at = ? WHERE id = ?", (used, row["id"]))


def digest(secret: str) -> str:
    """Return what is stored of a token."""
    return hashlib.sha256(secret.encode()).hexdigest()


def new_secret() -> str:
    """Make a personal access token in GitLab's form, `glpat-` and 20 random characters."""
    return "glpat-" + "".join(secrets.choice(_ALPHABET) for _ in range(20))


def store_token(
    database: Database,
    user_id: int,
    secret: str,
    *,
    created_at: str,
    name: str = "sandbox",
    scopes: Sequence[str] = ("api",),
    expires_at: str | None = None,
    kind: str = "personal",
) -> int:
    """Register a token; `expires_at` is a date (`2026-08-01`) from which on it is refused."""
    return database.insert(
        "personal_access_tokens",
        {
            "digest": digest(secret),
            "user_id": user_id,
            "name": name,
            "kind": kind,
            "scopes": json.dumps(list(scopes)),
            "created_at": created_at,
            "expires_at": expires_at,
        },
    )


def issue_job_token(database: Database, job_id: int, project_id: int, user_id: int) -> str:
    """Make the token of a job that starts running; `revoke_job_token` ends it with the job."""
    secret = "glcbt-64_" + "".join(secrets.choice(_ALPHABET) for _ in range(20))
    database.execute(
        "INSERT OR REPLACE INTO job_tokens (digest, job_id, project_id, user_id) VALUES (?, ?, ?, ?)",
        (digest(secret), job_id, project_id, user_id),
    )
    return secret


def revoke_job_token(database: Database, job_id: int) -> None:
    """Make the token of a finished job worthless."""
    database.execute("DELETE FROM job_tokens WHERE job_id = ?", (job_id,))
