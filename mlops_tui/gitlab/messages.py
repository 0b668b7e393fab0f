"""Requests and answers as the adapter's modules see them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import unquote

import orjson

from mlops_tui.domain.errors import UnreadableAnswerError
from mlops_tui.domain.text import clean
from mlops_tui.gitlab.authentication import RouteKind
from mlops_tui.gitlab.budget import Priority
from mlops_tui.gitlab.hosts import Parameters
from mlops_tui.gitlab.redaction import redacted

_NEXT_LINK = re.compile(r"<([^>]*)>[^,<]*?;\s*rel\s*=\s*\"?next\"?(?=[\s;,]|$)", re.IGNORECASE)
_TITLE = re.compile(rb"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)
_MISSING = object()


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request, complete but for host and token.

    ``what`` is a verb and a noun ("read the jobs of acme/fraud") that completes "Could not ...".
    """

    method: str
    path: str
    what: str
    priority: Priority
    parameters: Parameters = field(default_factory=dict)
    body: bytes | None = field(default=None, repr=False)
    content_type: str = "application/json"
    kind: RouteKind = RouteKind.API

    @classmethod
    def to(
        cls,
        method: str,
        path: str,
        priority: Priority,
        *,
        what: str = "",
        kind: RouteKind | None = None,
        parameters: Parameters | None = None,
        body: object = None,
    ) -> Request:
        """A request whose route group and, where ``what`` is empty, wording are found from its path.

        ``body`` is sent as JSON unless None, in the spelling that previews show too.
        """
        encoded = None if body is None else json.dumps(body, ensure_ascii=False, sort_keys=True, allow_nan=False)
        return cls(
            method,
            path,
            what or _described(method, path, priority),
            priority,
            parameters or {},
            None if encoded is None else encoded.encode(),
            kind=RouteKind.of(path) if kind is None else kind,
        )

    @property
    def is_write(self) -> bool:
        """Whether the request may change something, so that it is sent once at most."""
        return self.priority is Priority.WRITE


class Answer:
    """One HTTP answer, read completely.

    ``headers`` have lower-case names. ``is_unchanged`` says that GitLab answered 304 and the body is the one kept from
    before. ``is_foreign`` says that a redirect led to another host, which was not given the token.
    """

    __slots__ = ("_decoded", "body", "headers", "is_foreign", "is_unchanged", "status", "url", "what")

    def __init__(
        self,
        status: int,
        headers: Mapping[str, str],
        body: bytes,
        *,
        url: str,
        what: str,
        is_unchanged: bool = False,
        is_foreign: bool = False,
    ) -> None:
        self.status = status
        self.headers = headers
        self.body = body
        self.url = url
        self.what = what
        self.is_unchanged = is_unchanged
        self.is_foreign = is_foreign
        self._decoded: Any = _MISSING

    def __repr__(self) -> str:
        return f"Answer({self.status}, {len(self.body)} bytes, {self.url})"

    @property
    def text(self) -> str:
        """The body as UTF-8; bytes that are not are replaced."""
        return self.body.decode("utf-8", "replace")

    @property
    def request_id(self) -> str:
        """GitLab's own id of the request, for the journal and for whoever reads GitLab's logs."""
        return clean(self.headers.get("x-request-id", ""), 100)

    @property
    def date(self) -> datetime | None:
        """The server's time of day when it answered."""
        return http_date(self.headers.get("date", ""))

    @property
    def content_type(self) -> str:
        """The media type without its parameters, in lower case."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def next_page(self) -> int | None:
        """The number of the next page, None on the last (GitLab sends an empty header there)."""
        return whole_number(self.headers.get("x-next-page", ""))

    @property
    def total(self) -> int | None:
        """How many rows there are over all pages, None where GitLab does not count."""
        return whole_number(self.headers.get("x-total", ""))

    @property
    def next_link(self) -> str | None:
        """The address of the next page of a keyset list, as GitLab wrote it."""
        match = _NEXT_LINK.search(self.headers.get("link", "")[:20_000])
        return match[1] if match else None

    def json(self) -> Any:
        """The decoded body; raises ``UnreadableAnswerError`` that names what came instead of JSON."""
        if self._decoded is _MISSING:
            try:
                self._decoded = orjson.loads(self.body)
            except orjson.JSONDecodeError as error:
                raise self.unreadable(self._found_instead(error)) from None
        return self._decoded

    def unreadable(self, why: str) -> UnreadableAnswerError:
        """The error for an answer that is not what the API promises."""
        return UnreadableAnswerError(
            f"Could not {self.what}",
            why=why,
            remedy="Check the context's url and any proxy on the way",
            status=self.status,
            request_id=self.request_id,
            url=self.url,
        )

    def _found_instead(self, error: orjson.JSONDecodeError) -> str:
        start = self.body[:2_000].lstrip().lower()
        if not start:
            return "the answer is empty"
        if start.startswith((b"<!doctype html", b"<html")) or self.content_type == "text/html":
            title = _TITLE.search(self.body[:20_000])
            name = clean(title[1].decode("utf-8", "replace"), 80).strip() if title else ""
            return f'a web page ("{name}") came instead of JSON' if name else "a web page came instead of JSON"
        if start[:1] in b'{["' and error.pos >= len(error.doc.rstrip()):
            return f"the answer breaks off after {len(self.body)} bytes"
        kind = clean(self.content_type, 60) or "an answer without a type"
        return f"{kind} came that is not JSON"


def whole_number(text: str) -> int | None:
    """A non-negative number of a header, None for anything else."""
    text = text.strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 12 else None


def http_date(text: str) -> datetime | None:
    """An HTTP date as an aware moment, None for anything else."""
    try:
        moment = parsedate_to_datetime(text)
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
    return moment if moment.tzinfo is not None else None


def _described(method: str, path: str, priority: Priority) -> str:
    verb = {"DELETE": "delete", "PUT": "change"}.get(method, "send") if priority is Priority.WRITE else "read"
    readable = unquote(path.partition("?")[0]).removeprefix("/api/v4/")
    return clean(f"{verb} {redacted(readable)}")
