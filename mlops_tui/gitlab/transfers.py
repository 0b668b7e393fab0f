"""Files on their way up and down, in pieces."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from mlops_tui.domain.errors import StateChangedError, UsageError
from mlops_tui.gitlab.connection import OpenAnswer
from mlops_tui.gitlab.messages import whole_number

_CHUNK = 256 * 1024

BYTES = "application/octet-stream"

# Compression would make the announced size another one than that of the file.
AS_IT_IS = {"Accept-Encoding": "identity", "Accept": "*/*"}


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


def download_of(opened: OpenAnswer) -> Download:
    """The file in a successful answer."""
    response = opened.response
    total = whole_number(response.headers.get("content-length", ""))
    return Download(total, response.aiter_bytes(_CHUNK), dict(response.headers))
