"""Who the token belongs to, what it may do, and which GitLab answers."""

from __future__ import annotations

import asyncio
from datetime import date

from mlops_tui.domain.credentials import TokenKind
from mlops_tui.domain.errors import InvalidRequestError, NotAllowedError, NotFoundError
from mlops_tui.domain.identity import Identity, Instance, TokenDetails
from mlops_tui.domain.projects import User
from mlops_tui.gitlab.payloads import Name, Payload, read
from mlops_tui.gitlab.transport import Transport


class _User(Payload):
    id: int
    username: Name
    name: Name = ""

    def record(self) -> User:
        return User(self.id, self.username, self.name or self.username)


class _Job(Payload):
    user: _User


class _Token(Payload):
    name: Name = ""
    scopes: tuple[Name, ...] = ()
    expires_at: date | None = None
    active: bool | None = None


class _Metadata(Payload):
    version: Name
    enterprise: bool | None = None


async def read_identity(transport: Transport) -> Identity:
    """User, token and instance, in as many requests as the kind of token allows."""
    user, token, instance = await asyncio.gather(
        current_user(transport), token_details(transport), read_instance(transport)
    )
    return Identity(user, token, instance)


async def current_user(transport: Transport) -> User:
    """The user a token acts as; a job token, which may not ask for its user, is asked for its job."""
    if _is_job_token(transport):
        answer = await transport.get("/api/v4/job", what="read who is signed in")
        return read(_Job, answer.json(), "the job's user").user.record()
    answer = await transport.get("/api/v4/user", what="read who is signed in")
    return read(_User, answer.json(), "the user").record()


async def token_details(transport: Transport) -> TokenDetails | None:
    """Name, scopes and expiry of the token; None for kinds that GitLab tells nothing about (OAuth, job).

    GitLab: lib/api/personal_access_tokens/self_information.rb.
    """
    if transport.credential is None or transport.credential.kind is not TokenKind.PERSONAL:
        return None
    answer = await transport.get("/api/v4/personal_access_tokens/self", what="read what the token may do")
    row = read(_Token, answer.json(), "the token")
    return TokenDetails(row.name, frozenset(row.scopes), row.expires_at, row.active is not False)


async def read_instance(transport: Transport) -> Instance | None:
    """Version and edition; None when the token may not ask (GitLab: lib/api/metadata.rb)."""
    if _is_job_token(transport):
        return None
    try:
        answer = await transport.get("/api/v4/metadata", what="read the version of GitLab")
    except (NotAllowedError, NotFoundError, InvalidRequestError):
        return None
    row = read(_Metadata, answer.json(), "the version of GitLab")
    return Instance(row.version, row.enterprise is True)


def _is_job_token(transport: Transport) -> bool:
    return transport.credential is not None and transport.credential.kind is TokenKind.JOB
