"""One HTTP exchange with a host: addresses, redirects, time limits and what can go wrong on the way."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterable, AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy
from pathlib import Path

import httpx

from mlops_tui import __version__
from mlops_tui.domain.errors import ConfigError, InvalidRequestError, UnreachableError, UnreadableAnswerError
from mlops_tui.domain.text import clean
from mlops_tui.gitlab.authentication import Credential
from mlops_tui.gitlab.hosts import Host
from mlops_tui.gitlab.messages import Answer, Request
from mlops_tui.gitlab.redaction import redacted

_MOST_REDIRECTS = 5
_REDIRECTS = (301, 302, 303, 307, 308)
_IDLE_SECONDS = 30.0
_SPARE_CONNECTIONS = 8
_NEVER_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
    httpx.LocalProtocolError,
    httpx.InvalidURL,
)


@dataclass(frozen=True, slots=True)
class ConnectionOptions:
    """Time limits in seconds, trust, proxy and the largest answer in bytes.

    ``read_timeout`` bounds the silence between two pieces of an answer, ``total_timeout`` a whole one that is not a
    file, ``upload_timeout`` the silence while and after a file is sent, which the server may need to store it.

    ``ca_bundle`` is a file or folder of certificates trusted besides the usual ones; ``proxy`` None leaves it to the
    environment.
    """

    connect_timeout: float = 5.0
    read_timeout: float = 20.0
    total_timeout: float = 90.0
    upload_timeout: float = 300.0
    ca_bundle: Path | None = None
    proxy: str | None = None
    largest_answer: int = 64 * 1024 * 1024
    user_agent: str = f"mlops-tui/{__version__}"


@dataclass(frozen=True, slots=True)
class OpenAnswer:
    """An answer whose body is still on its way."""

    response: httpx.Response
    is_foreign: bool


class Connection:
    """The HTTP client of one host.

    It hands the headers it is given to that host alone; ``credential`` is what it keeps out of its errors.
    """

    def __init__(self, host: Host, credential: Credential | None, options: ConnectionOptions, concurrency: int) -> None:
        self._host = host
        self.credential = credential
        self._options = options
        self._client = _client(host, options, concurrency)
        self._upload_timeout = httpx.Timeout(options.upload_timeout, connect=options.connect_timeout)

    async def close(self) -> None:
        """Close every connection."""
        await self._client.aclose()

    async def exchange(
        self, request: Request, headers: Mapping[str, str], content: AsyncIterable[bytes] | None = None
    ) -> Answer:
        """Send a request and read its answer completely.

        Raises ``UnreachableError`` when that fails, ``UnreadableAnswerError`` when the answer is larger than allowed.
        An upload's ``content`` has no total time limit: it takes what its size takes.
        """
        total = None if content is not None else self._options.total_timeout
        with self._reported(request):
            async with asyncio.timeout(total), self.open(request, headers, content) as opened:
                return await self.read(request, opened)

    @asynccontextmanager
    async def open(
        self, request: Request, headers: Mapping[str, str], content: AsyncIterable[bytes] | None = None
    ) -> AsyncIterator[OpenAnswer]:
        """Send a request and hand out its answer before the body; a GET follows up to five redirects."""
        with self._reported(request):
            opened = await self._follow(request, headers, content)
            try:
                yield opened
            finally:
                await opened.response.aclose()

    async def _follow(
        self, request: Request, headers: Mapping[str, str], content: AsyncIterable[bytes] | None
    ) -> OpenAnswer:
        url, is_foreign = self._host.url(request.path, request.parameters), False
        for _ in range(_MOST_REDIRECTS + 1):
            response = await self._send(request, url, {} if is_foreign else headers, content)
            if response.status_code not in _REDIRECTS or "location" not in response.headers:
                return OpenAnswer(response, is_foreign)
            await response.aclose()
            target = self._target(url, response.headers["location"])
            if request.method != "GET":
                why = f"a {request.method} is never sent to a second address; nothing was changed there"
                raise self._refused_redirect(request, response.status_code, target, why)
            if url.startswith("https:") and not target.startswith("https:"):
                why = "an answer without encryption could come from anybody"
                raise self._refused_redirect(request, response.status_code, target, why)
            is_foreign = is_foreign or not self._host.owns(target)
            url = target
        raise InvalidRequestError(
            f"Could not {request.what}",
            why=f"the server redirected more than {_MOST_REDIRECTS} times",
            remedy="Check the context's url and any proxy on the way",
            url=redacted(url, self.credential),
        )

    async def _send(
        self, request: Request, url: str, headers: Mapping[str, str], content: AsyncIterable[bytes] | None
    ) -> httpx.Response:
        body = request.body if content is None else content
        kinds = {} if body is None else {"Content-Type": request.content_type}
        timeout = httpx.USE_CLIENT_DEFAULT if content is None else self._upload_timeout
        message = self._client.build_request(
            request.method, url, headers={**kinds, **headers}, content=body, timeout=timeout
        )
        return await self._client.send(message, stream=True)

    def _target(self, url: str, location: str) -> str:
        """Where a redirect leads.

        GitLab redirects moved projects to the host name of its own settings; when that is an API address other than
        the one just asked, it is taken on our own address, which behind a tunnel is the one that works.
        """
        target = str(httpx.URL(url).join(location))
        if not self._host.owns(url) or self._host.owns(target):
            return target
        path = self._host.local_path(target)
        own = self._host.url(path) if path else target
        return target if own == url else own

    def _refused_redirect(self, request: Request, status: int, target: str, why: str) -> InvalidRequestError:
        place = clean(redacted(target.partition("?")[0], self.credential), 200)
        return InvalidRequestError(
            f"Could not {request.what}",
            why=f"the server redirects it to {place}, but {why}",
            remedy="Set the context's url or the project's path to the new address",
            status=status,
            url=place,
        )

    async def read(self, request: Request, opened: OpenAnswer) -> Answer:
        """Read the body of an open answer; ``UnreadableAnswerError`` when it is larger than allowed."""
        response, body = opened.response, bytearray()
        url = redacted(str(response.url), self.credential)
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) > self._options.largest_answer:
                raise UnreadableAnswerError(
                    f"Could not {request.what}",
                    why=f"the answer is larger than {self._options.largest_answer // 2**20} MiB",
                    remedy="Ask for less at once",
                    status=response.status_code,
                    url=url,
                )
        return Answer(
            response.status_code,
            dict(response.headers),
            bytes(body),
            url=url,
            what=request.what,
            is_foreign=opened.is_foreign,
        )

    @contextmanager
    def _reported(self, request: Request) -> Iterator[None]:
        """Turns the HTTP library's errors into ours."""
        try:
            yield
        except httpx.DecodingError:
            raise UnreadableAnswerError(
                f"Could not {request.what}",
                why="the answer is damaged: its compression cannot be undone",
                remedy="Check any proxy on the way",
                url=redacted(self._host.url(request.path), self.credential),
            ) from None
        except (httpx.TransportError, httpx.InvalidURL, TimeoutError, ssl.SSLError) as error:
            raise self._unreachable(request, error) from None

    def _unreachable(self, request: Request, error: Exception) -> UnreachableError:
        never_sent = isinstance(error, _NEVER_SENT)
        is_certificate = "CERTIFICATE_VERIFY_FAILED" in str(error)
        why, remedy = self._explained(error)
        if request.is_write and not never_sent:
            remedy = "Whether the change was made is not known: look before repeating it"
        return UnreachableError(
            f"Could not {request.what}",
            why=why,
            remedy=remedy,
            url=redacted(self._host.url(request.path), self.credential),
            may_have_arrived=not never_sent,
            is_passing=not is_certificate and not isinstance(error, httpx.InvalidURL | httpx.UnsupportedProtocol),
        )

    def _explained(self, error: Exception) -> tuple[str, str]:
        name, reason = self._host.name, clean(redacted(str(error), self.credential), 200)
        if "CERTIFICATE_VERIFY_FAILED" in reason:
            return f"the certificate of {name} is not trusted", "Set ca_bundle to the authority that signed it"
        match error:
            case httpx.ConnectTimeout():
                return f"{name} did not accept a connection in time", "Check the address and the network"
            case httpx.ConnectError():
                return f"no connection to {name} ({reason})", "Check the address and the network"
            case httpx.ProxyError():
                return f"the proxy refused ({reason})", "Check the context's proxy"
            case httpx.PoolTimeout():
                return "too many requests are under way", "Wait for one to end"
            case httpx.TimeoutException() | TimeoutError():
                return f"{name} did not answer in time", "It may be busy; try again later"
            case httpx.RemoteProtocolError() | httpx.ReadError() | httpx.WriteError():
                return f"the connection to {name} broke ({reason})", "Try again"
            case _:
                return f"the exchange with {name} failed ({reason})", "Check the address and the network"


def _client(host: Host, options: ConnectionOptions, concurrency: int) -> httpx.AsyncClient:
    try:
        return httpx.AsyncClient(
            headers={"User-Agent": options.user_agent, "Accept": "application/json, */*;q=0.1"},
            timeout=httpx.Timeout(options.read_timeout, connect=options.connect_timeout),
            limits=httpx.Limits(max_connections=concurrency + _SPARE_CONNECTIONS, keepalive_expiry=_IDLE_SECONDS),
            verify=_trust(options.ca_bundle),
            proxy=_proxy(options.proxy),
            trust_env=not host.is_loopback,
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            follow_redirects=False,
        )
    except ImportError:
        raise _bad_proxy("SOCKS needs the Python package socksio, which is not installed") from None


def _trust(ca_bundle: Path | None) -> ssl.SSLContext | bool:
    if ca_bundle is None:
        return True
    context = httpx.create_ssl_context()
    try:
        if ca_bundle.is_dir():
            context.load_verify_locations(capath=str(ca_bundle))
        else:
            context.load_verify_locations(cafile=str(ca_bundle))
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(
            f"The certificates in {ca_bundle} cannot be used",
            why=clean(str(error.strerror or error), 120),
            remedy="Name a readable file of PEM certificates",
            key="ca_bundle",
        ) from None
    return context


def _proxy(address: str | None) -> httpx.Proxy | None:
    if address is None:
        return None
    try:
        return httpx.Proxy(address)
    except (ValueError, httpx.InvalidURL):
        raise _bad_proxy("its address must start with http:// or https://") from None


def _bad_proxy(why: str) -> ConfigError:
    return ConfigError(
        "The proxy cannot be used", why=why, remedy="Write it like http://proxy.example.com:3128", key="proxy"
    )
