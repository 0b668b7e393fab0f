"""Files on their way up and down, in pieces."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from mlops_tui.domain.errors import StateChangedError, UsageError
from mlops_tui.gitlab.connection import Connection, OpenAnswer
from mlops_tui.gitlab.messages import Answer, Request, whole_number

_CHUNK = 256 * 1024
_ERROR_BODY = 64 * 1024


class Sender(Protocol):
    """What a download needs of the transport."""

    @property
    def connection(self) -> Connection:
        """The HTTP connection."""
        ...

    async def admit(self, request: Request) -> dict[str, str]:
        """Wait until it may start; the headers for it."""
        ...

    async def refuse(self, request: Request, answer: Answer) -> None:
        """Raise the error of an answer that is not a success."""
        ...


@dataclass(frozen=True, slots=True)
class Download:
    """A file on its way: ``total`` bytes in all (None when the server does not say) and its ``chunks``, once."""

    total: int | None
    chunks: AsyncIterator[bytes]
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class FileContent:
    """A file to send: its size as it was when the upload began, and what to tell about progress."""

    path: Path
    size: int
    progress: Callable[[int, int], None] | None

    async def chunks(self) -> AsyncIterator[bytes]:
        """The bytes; raises ``StateChangedError`` when the file turns out shorter or longer than announced."""
        sent = 0
        file = await asyncio.to_thread(self.path.open, "rb")
        try:
            while chunk := await asyncio.to_thread(file.read, _CHUNK):
                sent += len(chunk)
                if sent > self.size:
                    raise self._changed()
                yield chunk
                if self.progress is not None:
                    self.progress(sent, self.size)
        finally:
            await asyncio.to_thread(file.close)
        if sent != self.size:
            raise self._changed()

    def _changed(self) -> StateChangedError:
        return StateChangedError(
            f"Could not upload {self.path.name}",
            why="the file changed while it was read",
            remedy="Upload it again when it is complete",
        )


async def opened_file(path: Path, progress: Callable[[int, int], None] | None) -> FileContent:
    """A readable file ready to be sent; raises ``UsageError`` when it is none."""
    try:
        size = (await asyncio.to_thread(path.stat)).st_size
        is_file = await asyncio.to_thread(path.is_file)
    except OSError as error:
        raise UsageError(f"Could not read {path}", why=error.strerror or "it cannot be opened") from None
    if not is_file:
        raise UsageError(f"Could not read {path}", why="it is not a file")
    return FileContent(path, size, progress)


@asynccontextmanager
async def download(sender: Sender, request: Request) -> AsyncIterator[Download]:
    """Open a file; errors while its chunks come are the transport's errors, a short file included."""
    headers = await sender.admit(request)
    # Compression would make the announced size another one than that of the file.
    wanted = headers | {"Accept-Encoding": "identity", "Accept": "*/*"}
    opening: AbstractAsyncContextManager[OpenAnswer] = sender.connection.open(request, wanted)
    async with opening as opened:
        response = opened.response
        if not 200 <= response.status_code < 300:
            await sender.refuse(request, await _refusal(request, opened))
        total = whole_number(response.headers.get("content-length", ""))
        yield Download(total, response.aiter_bytes(_CHUNK), dict(response.headers))


async def _refusal(request: Request, opened: OpenAnswer) -> Answer:
    response, body = opened.response, bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > _ERROR_BODY:
            break
    return Answer(
        response.status_code,
        dict(response.headers),
        bytes(body),
        url=str(response.url.copy_with(query=None)),
        what=request.what,
        is_foreign=opened.is_foreign,
    )
