"""Votes on a promotion request: which notes count, and why others do not.

A note counts if it is in the form of ``mlops_tui.domain.promotion_requests``, was never edited, names the evidence that
the request rests on now, and comes from a member whose role suffices now and who neither wrote the request nor asked
for the promotion. Labels and reactions never count. Each person's last word stands.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from mlops_tui.domain.approvals import Decision, Vote
from mlops_tui.domain.projects import Role, User
from mlops_tui.domain.promotion_requests import DecisionNote


@dataclass(frozen=True, slots=True)
class Note:
    """A comment on an issue or merge request; ``decision`` is what its raw text decides, ``body`` is safe to draw."""

    id: int
    author: User
    body: str
    created_at: datetime
    updated_at: datetime
    is_system: bool = False
    is_internal: bool = False
    decision: DecisionNote | None = None


@dataclass(frozen=True, slots=True)
class Electorate:
    """Who may vote: members of at least ``minimum``, but none of ``excluded`` (user names of author and requester)."""

    roles: Mapping[int, Role]
    minimum: Role
    excluded: frozenset[str]


class Discount(StrEnum):
    """Why a decision does not count."""

    EDITED = "it was edited after it was written"
    GONE = "it was deleted after it was seen"
    EVIDENCE = "it was made on other evidence"
    ROLE = "its author's role does not suffice"
    OWN = "its author asked for the promotion"
    INTERNAL = "it is an internal note"


@dataclass(frozen=True, slots=True)
class Discounted:
    """A decision that does not count."""

    user: User
    decision: Decision
    why: Discount

    @property
    def sentence(self) -> str:
        """For a person, without a full stop."""
        return f"{self.user.username}'s note ({self.decision.value}) does not count: {self.why.value}"


@dataclass(frozen=True, slots=True)
class Tally:
    """The count: one vote a person, in the order in which they were given."""

    votes: tuple[Vote, ...]
    discounted: tuple[Discounted, ...]

    @property
    def approvals(self) -> int:
        """How many approve."""
        return sum(vote.decision is Decision.APPROVED for vote in self.votes)

    @property
    def rejections(self) -> int:
        """How many reject."""
        return len(self.votes) - self.approvals


def count_votes(
    notes: Iterable[Note], evidence: str, electorate: Electorate, seen: Mapping[int, Vote] | None = None
) -> Tally:
    """Count the votes on the evidence with this digest.

    ``seen`` are votes that counted when this machine last looked, by their note's id. One that has vanished or was
    edited since no longer counts, except that a rejection cannot be taken back in this way.
    """
    standing: dict[int, Vote] = {}
    discounted: list[Discounted] = []
    known = dict(seen or {})
    for note in sorted(notes, key=lambda item: (item.created_at, item.id)):
        earlier = known.pop(note.id, None)
        if note.is_system or (note.decision is None and earlier is None):
            continue
        why = _discount(note, evidence, electorate)
        if why is None and note.decision is not None:
            standing[note.author.id] = _vote(note, note.decision)
            continue
        said = earlier.decision if earlier else note.decision.decision if note.decision else Decision.APPROVED
        discounted.append(Discounted(note.author, said, why or Discount.EDITED))
        if why in {None, Discount.EDITED}:
            _withdraw(standing, note.author.id, earlier)
    for vote in known.values():
        discounted.append(Discounted(vote.user, vote.decision, Discount.GONE))
        if vote.user.id not in standing or standing[vote.user.id].at < vote.at:
            _withdraw(standing, vote.user.id, vote)
    return Tally(tuple(sorted(standing.values(), key=lambda vote: (vote.at, vote.user.id))), tuple(discounted))


def _withdraw(standing: dict[int, Vote], user_id: int, vanished: Vote | None) -> None:
    """Take a person's vote back whose note is not what it was; a rejection that was seen stays."""
    if vanished is not None and vanished.decision is Decision.REJECTED:
        standing[user_id] = vanished
    else:
        standing.pop(user_id, None)


def _discount(note: Note, evidence: str, electorate: Electorate) -> Discount | None:
    if note.decision is None or note.updated_at != note.created_at:
        return Discount.EDITED
    if note.is_internal:
        return Discount.INTERNAL
    if note.decision.evidence != evidence:
        return Discount.EVIDENCE
    if note.author.username in electorate.excluded:
        return Discount.OWN
    if electorate.roles.get(note.author.id, Role.NONE) < electorate.minimum:
        return Discount.ROLE
    return None


def _vote(note: Note, decision: DecisionNote) -> Vote:
    return Vote(note.author, decision.decision, note.created_at, note.body, note_id=note.id)
