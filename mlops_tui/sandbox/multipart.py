"""The file of a `multipart/form-data` body, streamed, so that a model of gigabytes is never held in memory."""

from __future__ import annotations

import re
from email.message import Message
from typing import TYPE_CHECKING

from mlops_tui.sandbox import errors

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

_FILE = re.compile(rb'content-disposition:[^\r\n]*\bname="?file"?[;\r\n]', re.IGNORECASE)
_MAXIMUM_HEADERS = 65_536


def boundary_of(content_type: str) -> bytes | None:
    """Return the boundary of a multipart form, or None for any other type of content."""
    header = Message()
    header["content-type"] = content_type
    boundary = header.get_boundary()
    return boundary.encode() if header.get_content_type() == "multipart/form-data" and boundary else None


async def file_part(stream: AsyncIterator[bytes], boundary: bytes) -> AsyncIterator[bytes]:
    """Yield the bytes of the part named `file`.

    Raises:
        ApiError: 400 `file is missing` when there is no such part.
    """
    reader = _Reader(boundary)
    async for chunk in stream:
        for content in reader.feed(chunk):
            yield content
    if not reader.found:
        raise errors.parameter("file is missing")


class _Reader:
    """Finds the file in a form that arrives in pieces; `found` tells whether its part has begun."""

    def __init__(self, boundary: bytes) -> None:
        self._delimiter = b"\r\n--" + boundary
        # The first delimiter of a form has no line end before it; with one in front all are alike.
        self._buffer = b"\r\n"
        self._inside = False
        self.found = False

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Take the next piece of the body and yield what it adds to the file."""
        self._buffer += chunk
        while True:
            if self._inside:
                content = self._content()
                if content:
                    yield content
                if self._inside:
                    return
            if not self._enter_next_part():
                return

    def _content(self) -> bytes:
        """Return the file's bytes up to its end, or up to where its end may have begun."""
        end = self._buffer.find(self._delimiter)
        self._inside = end < 0
        cut = max(0, len(self._buffer) - len(self._delimiter)) if end < 0 else end
        content, self._buffer = self._buffer[:cut], self._buffer[cut:]
        return content

    def _enter_next_part(self) -> bool:
        """Read on to the content of the next part; False when more of the body is needed for that."""
        start = self._buffer.find(self._delimiter)
        if start < 0:
            self._buffer = self._buffer[-len(self._delimiter) :]
            return False
        end = self._buffer.find(b"\r\n\r\n", start)
        if end < 0:
            if len(self._buffer) - start > _MAXIMUM_HEADERS:
                raise errors.parameter("file is invalid")
            return False
        headers = self._buffer[start + len(self._delimiter) : end + 2]
        self._buffer = self._buffer[end + 4 :]
        self._inside = not self.found and bool(_FILE.search(headers))
        self.found = self.found or self._inside
        return True
