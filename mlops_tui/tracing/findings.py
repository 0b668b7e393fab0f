"""What was wrong with the spans of one request, counted by reason, to be told to the sender."""

from __future__ import annotations

from collections import Counter

_MOST_REASONS = 5


class MalformedBodyError(ValueError):
    """A body that is not what its content type says; nothing of it can be used. The message says why."""


class Findings:
    """The spans refused and the things dropped, by reason."""

    def __init__(self) -> None:
        self.rejections: Counter[str] = Counter()
        self.warnings: Counter[str] = Counter()

    @property
    def rejected(self) -> int:
        """How many spans were refused."""
        return self.rejections.total()

    def reject(self, reason: str, spans: int = 1) -> None:
        """Count refused spans."""
        self.rejections[reason] += spans

    def warn(self, reason: str) -> None:
        """Count something that was dropped from a span that was kept."""
        self.warnings[reason] += 1

    def message(self) -> str:
        """The reasons for people, the commonest first; "" when all is well."""
        parts = [_told("rejected", self.rejections), _told("dropped", self.warnings)]
        return "; ".join(part for part in parts if part)


def _told(verb: str, reasons: Counter[str]) -> str:
    if not reasons:
        return ""
    told = [f"{count} x {reason}" for reason, count in reasons.most_common(_MOST_REASONS)]
    others = len(reasons) - _MOST_REASONS
    if others > 0:
        told.append(f"{others} other reasons")
    return f"{verb}: {', '.join(told)}"
