"""Asking a server that keeps traces; nothing of what is sent from here changes anything there."""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any
from urllib.parse import quote

import httpx
import orjson

from mlops_tui import __version__
from mlops_tui.domain.clock import Clock
from mlops_tui.domain.contexts import is_loopback, origin_of
from mlops_tui.domain.credentials import Secret
from mlops_tui.domain.errors import (
    ConfigError,
    InvalidRequestError,
    NotAllowedError,
    NotFoundError,
    NotSignedInError,
    RemoteError,
    ServerFaultError,
    UnreachableError,
    UnreadableAnswerError,
)
from mlops_tui.domain.text import clean

_LARGEST_ANSWER = 64 * 1024 * 1024
_CONNECT_SECONDS = 5.0
_ATTEMPTS = 3
_FIRST_WAIT, _LONGEST_WAIT = 0.5, 10.0
_PASSING = frozenset({429, 502, 503, 504})
_SHOWN = 300

Parameters = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """How a server is asked: ``headers`` go with every request, ``timeout`` is in seconds, ``ca_bundle`` is a file."""

    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    secret: Secret | None = None
    timeout: float = 30.0
    ca_bundle: str | None = None


@dataclass(frozen=True, slots=True)
class ServerAnswer:
    """An answer, whatever its status; ``what`` is what was asked for, for errors."""

    what: str
    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON.

        Raises:
            UnreadableAnswerError: It is not.
        """
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError:
            raise self.unreadable("it is not JSON") from None

    def unreadable(self, why: str) -> UnreadableAnswerError:
        """The error that says that the answer is not what was to be expected."""
        return UnreadableAnswerError(
            f"Could not {self.what}",
            why=f"the answer is of another shape: {why}",
            remedy="Check the kind and the url of the context's traces",
            status=self.status,
        )


class TraceServer:
    """A server at an address, asked by reads that may be repeated: a passing failure is tried three times.

    Raises:
        ConfigError: The token would travel unencrypted, or the certificates cannot be read.
    """

    def __init__(self, url: str, options: ServerOptions, clock: Clock) -> None:
        self.url = url.rstrip("/")
        self._options = options
        self._clock = clock
        if options.secret is not None and url.startswith("http:") and not is_loopback(url):
            raise ConfigError(
                "The token would travel unencrypted",
                why=f"{origin_of(url)} is plain http and not this machine",
                remedy="Use the https:// address",
            )
        self._client = httpx.AsyncClient(
            headers={"User-Agent": f"mlops-tui/{__version__}", "Accept": "application/json", **options.headers},
            timeout=httpx.Timeout(options.timeout, connect=min(_CONNECT_SECONDS, options.timeout)),
            verify=_trust(options.ca_bundle, url),
            trust_env=not is_loopback(url),
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            follow_redirects=False,
        )

    async def close(self) -> None:
        """Close every connection."""
        await self._client.aclose()

    async def get(
        self,
        what: str,
        path: str,
        parameters: Parameters = (),
        headers: Mapping[str, str] | None = None,
        accepted: Sequence[int] = (),
    ) -> ServerAnswer:
        """Get a path below the address; ``accepted`` are statuses that are answers too.

        Raises:
            RemoteError: The server is not there, refused, or failed.
        """
        return await self._ask(what, "GET", path, parameters, None, headers or {}, accepted)

    async def post(
        self,
        what: str,
        path: str,
        body: bytes,
        parameters: Parameters = (),
        headers: Mapping[str, str] | None = None,
        accepted: Sequence[int] = (),
    ) -> ServerAnswer:
        """Post a question to a path below the address.

        Raises:
            RemoteError: The server is not there, refused, or failed.
        """
        return await self._ask(what, "POST", path, parameters, body, headers or {}, accepted)

    async def _ask(
        self,
        what: str,
        method: str,
        path: str,
        parameters: Parameters,
        body: bytes | None,
        headers: Mapping[str, str],
        accepted: Sequence[int],
    ) -> ServerAnswer:
        request = self._client.build_request(
            method, self.url + path, params=list(parameters) or None, content=body, headers=dict(headers)
        )
        for attempt in range(_ATTEMPTS):
            is_last = attempt == _ATTEMPTS - 1
            try:
                async with asyncio.timeout(3 * self._options.timeout):
                    answer = await self._exchange(what, request)
            except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, ssl.SSLError) as error:
                problem = self._unreachable(what, error)
                if is_last or not problem.is_passing:
                    raise problem from None
            else:
                if 200 <= answer.status < 300 or answer.status in accepted:
                    return answer
                if is_last or answer.status not in _PASSING:
                    raise self.refused(answer)
                await self._clock.sleep(_asked_wait(answer))
                continue
            await self._clock.sleep(_FIRST_WAIT * 2**attempt)
        raise AssertionError  # the last attempt answers or raises

    async def _exchange(self, what: str, request: httpx.Request) -> ServerAnswer:
        response = await self._client.send(request, stream=True)
        try:
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > _LARGEST_ANSWER:
                    raise UnreadableAnswerError(
                        f"Could not {what}",
                        why=f"the answer is larger than {_LARGEST_ANSWER // 2**20} MiB",
                        remedy="Ask for a shorter time",
                        status=response.status_code,
                    )
            return ServerAnswer(what, response.status_code, dict(response.headers), bytes(body))
        finally:
            await response.aclose()

    def _unreachable(self, what: str, error: Exception) -> UnreachableError:
        place, reason = origin_of(self.url), self._safe(str(error), 200)
        is_certificate = "CERTIFICATE_VERIFY_FAILED" in reason
        match error:
            case _ if is_certificate:
                why, remedy = f"the certificate of {place} is not trusted", "Set ca_bundle in the context's traces"
            case httpx.TimeoutException() | TimeoutError():
                why, remedy = f"{place} did not answer in time", "Ask for a shorter time, or set a longer timeout"
            case httpx.DecodingError():
                why, remedy = "the answer is damaged: its compression cannot be undone", "Check any proxy on the way"
            case _:
                why, remedy = f"no connection to {place} ({reason})", "Check the url of the context's traces"
        return UnreachableError(
            f"Could not {what}", why=why, remedy=remedy, url=self.url, is_passing=not is_certificate
        )

    def refused(self, answer: ServerAnswer) -> RemoteError:
        """The error that an answer is which says no."""
        said = self._safe(answer.body[: 4 * _SHOWN].decode("utf-8", "replace"), _SHOWN)
        kind, remedy = _KINDS.get(answer.status, (RemoteError, "Check the url of the context's traces"))
        if answer.status >= 500:
            kind, remedy = ServerFaultError, "Try again later"
        why = f"{origin_of(self.url)} answered {answer.status}" + (f": {said}" if said else "")
        return kind(f"Could not {answer.what}", why=why, remedy=remedy, status=answer.status, url=self.url)

    def _safe(self, text: str, limit: int) -> str:
        """Text of the server that may be shown: without the secret, should it stand in there."""
        if self._options.secret is not None:
            token = self._options.secret.reveal()
            for form in {token, quote(token, safe=""), base64.b64encode(token.encode()).decode()}:
                text = text.replace(form, "***")
        return clean(text, limit)


_KINDS: Mapping[int, tuple[type[RemoteError], str]] = {
    400: (InvalidRequestError, ""),
    401: (NotSignedInError, "Check the token of the context's traces"),
    403: (NotAllowedError, "Check the token of the context's traces and what it may read"),
    404: (NotFoundError, "Check the kind and the url of the context's traces"),
    422: (InvalidRequestError, ""),
}


def basic(user: str, secret: Secret) -> str:
    """The value of a header that signs in with a password."""
    return "Basic " + base64.b64encode(f"{user}:{secret.reveal()}".encode()).decode()


def _asked_wait(answer: ServerAnswer) -> float:
    try:
        seconds = float(answer.headers.get("retry-after", _FIRST_WAIT))
    except ValueError:
        return _FIRST_WAIT
    return min(max(seconds, 0.0), _LONGEST_WAIT)


def _trust(ca_bundle: str | None, url: str) -> ssl.SSLContext | bool:
    """Whom to trust; where nothing is encrypted, reading the certificates would only take time."""
    if ca_bundle is None:
        return url.startswith("https:")
    try:
        return ssl.create_default_context(cafile=ca_bundle)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(
            "The certificates cannot be read", why=str(error), remedy="Check ca_bundle", source=ca_bundle
        ) from None
