"""Bodies of requests: read, unpacked and measured while they come, so that none can fill the memory."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Iterator

from starlette.requests import Request

from mlops_tui.tracing.admission import MEBIBYTE, Ticket
from mlops_tui.tracing.answers import IntakeError

_GZIP = 16 + zlib.MAX_WBITS


async def read_body(request: Request, ticket: Ticket, most_bytes: int, seconds: float) -> bytes:
    """The body of a request, decompressed.

    Raises:
        IntakeError: It is too large (413), in an encoding we do not know (415), damaged (400), too slow (408), or there
            is no room for it just now (503).
    """
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > most_bytes:
        raise too_large(most_bytes)
    unpacker = _unpacker(request.headers.get("content-encoding", "identity").strip().lower())
    parts: list[bytes] = []
    received = size = 0
    try:
        async with asyncio.timeout(seconds):
            async for chunk in request.stream():
                received += len(chunk)
                for part in unpacker.unpack(chunk):
                    size += len(part)
                    if max(size, received) > most_bytes:
                        raise too_large(most_bytes)
                    ticket.hold(len(part))
                    parts.append(part)
    except TimeoutError:
        raise IntakeError(408, f"the body took longer than {seconds:.0f} seconds") from None
    unpacker.finish()
    return b"".join(parts)


def too_large(most_bytes: int) -> IntakeError:
    """The answer to a body that is too large."""
    return IntakeError(413, f"the body is larger than {most_bytes} bytes, decompressed")


class _Identity:
    """A body as it is."""

    def unpack(self, chunk: bytes) -> Iterator[bytes]:
        yield chunk

    def finish(self) -> None:
        return


class _Gzip:
    """A compressed body, of one or more members."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(_GZIP)
        self._is_empty = True

    def unpack(self, chunk: bytes) -> Iterator[bytes]:
        while chunk:
            if self._member.eof:
                self._member = zlib.decompressobj(_GZIP)
            self._is_empty = False
            try:
                part = self._member.decompress(chunk, MEBIBYTE)
            except zlib.error:
                raise _damaged() from None
            if part:
                yield part
            chunk = self._member.unconsumed_tail or self._member.unused_data
            if not chunk and part and len(part) == MEBIBYTE and not self._member.eof:
                yield from self._rest()

    def _rest(self) -> Iterator[bytes]:
        """What the decompressor still holds after its input was used up."""
        while part := self._member.decompress(b"", MEBIBYTE):
            yield part

    def finish(self) -> None:
        if not self._is_empty and not self._member.eof:
            raise _damaged()


def _unpacker(encoding: str) -> _Identity | _Gzip:
    match encoding:
        case "identity" | "":
            return _Identity()
        case "gzip" | "x-gzip":
            return _Gzip()
        case _:
            raise IntakeError(415, "the content encoding is neither gzip nor identity")


def _damaged() -> IntakeError:
    return IntakeError(400, "the body is not valid gzip")
