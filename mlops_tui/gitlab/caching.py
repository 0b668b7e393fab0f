"""Bodies kept with their ETag, so that an unchanged answer costs no body on the wire."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field

from mlops_tui.gitlab.messages import Answer

_PER_ENTRY_OVERHEAD = 512


@dataclass(frozen=True, slots=True)
class _Kept:
    etag: str
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    @property
    def size(self) -> int:
        return len(self.body) + _PER_ENTRY_OVERHEAD


class AnswerCache:
    """The answers asked for most recently, by address and token, at most ``capacity`` bytes in all."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._kept: OrderedDict[tuple[str, str], _Kept] = OrderedDict()
        self._size = 0

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def size(self) -> int:
        """Bytes held, overhead included."""
        return self._size

    def condition(self, url: str, fingerprint: str) -> dict[str, str]:
        """The header that makes GitLab answer 304 when nothing changed, if there is something to compare with."""
        kept = self._kept.get((url, fingerprint))
        return {"If-None-Match": kept.etag} if kept else {}

    def resolve(self, answer: Answer, url: str, fingerprint: str) -> Answer:
        """Keep a fresh answer, or complete a 304 with the body from before (its status then reads 200)."""
        key = (url, fingerprint)
        kept = self._kept.get(key)
        if answer.status == 304 and kept:
            self._kept.move_to_end(key)
            return Answer(
                200, {**kept.headers, **answer.headers}, kept.body, url=answer.url, what=answer.what, is_unchanged=True
            )
        if answer.status == 200 and not answer.is_foreign:
            self._keep(key, answer)
        return answer

    def clear(self) -> None:
        """Forget everything."""
        self._kept.clear()
        self._size = 0

    def _keep(self, key: tuple[str, str], answer: Answer) -> None:
        self._forget(key)
        etag = answer.headers.get("etag", "")
        forbidden = "no-store" in answer.headers.get("cache-control", "").lower()
        entry = _Kept(etag, answer.headers, answer.body)
        if not etag or forbidden or entry.size > self._capacity // 8:
            return
        self._kept[key] = entry
        self._size += entry.size
        while self._size > self._capacity:
            self._forget(next(iter(self._kept)))

    def _forget(self, key: tuple[str, str]) -> None:
        kept = self._kept.pop(key, None)
        if kept:
            self._size -= kept.size
