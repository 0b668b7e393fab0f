"""The file of a `multipart/form-data` body, streamed, so that a model of gigabytes is never held in memory."""

from __future__ import annotations

import re
from email.message import Message
from typing import TYPE_CHECKING

from mlops_tui.sandbox import errors

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_FILE = re.compile(rb'content-disposition:[^\r\n]*\bname="?file"?[;\r\n]', re.IGNORECASE)
_MAXIMUM_HEADERS = 65_536


def boundary_of(content_type: str) -> bytes | None:
    """Return the delimiter of a multipart form, or None for any other type of content."""
    header = Message()
    header["content-type"] = content_type
    boundary = header.get_boundary()
    return boundary.encode() if header.get_content_type() == "multipart/form-data" and boundary else None


async def file_part(stream: AsyncIterator[bytes], boundary: bytes) -> AsyncIterator[bytes]:
    """Yield the bytes of the part named `file`.

    Raises:
        ApiError: 400 `file is missing` when there is no such part.
    """
    delimiter = b"\r\n--" + boundary
    # The first delimiter has no line end before it; with one in front all are alike.
    buffer = b"\r\n"
    inside, found = False, False
    async for chunk in stream:
        buffer += chunk
        while True:
            end = buffer.find(delimiter)
            if inside:
                safe = end if end >= 0 else max(0, len(buffer) - len(delimiter))
                if safe:
                    yield buffer[:safe]
                    buffer = buffer[safe:]
                if end < 0:
                    break
                inside, end = False, 0
            if end < 0:
                buffer = buffer[-len(delimiter) :]
                break
            headers_end = buffer.find(b"\r\n\r\n", end)
            if headers_end < 0:
                if len(buffer) - end > _MAXIMUM_HEADERS:
                    raise errors.parameter("file is invalid")
                break
            headers = buffer[end + len(delimiter) : headers_end + 2]
            buffer = buffer[headers_end + 4 :]
            inside = bool(_FILE.search(headers)) and not found
            found = found or inside
    if not found:
        raise errors.parameter("file is missing")
