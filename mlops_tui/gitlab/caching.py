"""Bodies kept with their ETag, so that an unchanged answer costs no body on the wire."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field

from mlops_tui.gitlab.messages import Answer

_PER_ENTRY_OVERHEAD = 512


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """An answer's body with the tag that names its state."""

    etag: str
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    @property
    def size(self) -> int:
        """Bytes it is counted as."""
        return len(self.body) + _PER_ENTRY_OVERHEAD


class AnswerCache:
    """The answers asked for most recently, by address and token, at most ``capacity`` bytes in all."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._kept: OrderedDict[tuple[str, str], KeptAnswer] = OrderedDict()
        self._size = 0

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def size(self) -> int:
        """Bytes held, overhead included."""
        return self._size

    def find(self, url: str, fingerprint: str) -> KeptAnswer | None:
        """What is kept for this address and token, now the last to be dropped."""
        key = (url, fingerprint)
        if key in self._kept:
            self._kept.move_to_end(key)
        return self._kept.get(key)

    def resolve(self, answer: Answer, url: str, fingerprint: str, kept: KeptAnswer | None) -> Answer:
        """Keep a fresh answer, or complete a 304 with the body that was ``kept`` (its status then reads 200)."""
        if answer.status == 304 and kept is not None:
            return Answer(
                200, {**kept.headers, **answer.headers}, kept.body, url=answer.url, what=answer.what, is_unchanged=True
            )
        if answer.status == 200 and not answer.is_foreign:
            self._keep((url, fingerprint), answer)
        return answer

    def clear(self) -> None:
        """Forget everything."""
        self._kept.clear()
        self._size = 0

    def _keep(self, key: tuple[str, str], answer: Answer) -> None:
        self._forget(key)
        etag = answer.headers.get("etag", "")
        forbidden = "no-store" in answer.headers.get("cache-control", "").lower()
        entry = KeptAnswer(etag, answer.headers, answer.body)
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
