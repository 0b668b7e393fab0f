"""How far an approval is, and what keeps a person from deciding on it."""

from __future__ import annotations

from enum import StrEnum
from typing import assert_never


class ApprovalState(StrEnum):
    """Where an approval stands."""

    WAITING = "waiting"
    APPROVED = "approved"
    REJECTED = "rejected"
    SUPERSEDED = "superseded"
    EXPIRED = "expired"
    DONE = "done"

    @property
    def is_open(self) -> bool:
        """Whether a person can still do something about it."""
        return self in {ApprovalState.WAITING, ApprovalState.APPROVED}


class Obstacle(StrEnum):
    """Why the token's own user may not approve."""

    TRIGGERER = "triggerer"
    REQUESTER = "requester"
    AUTHOR = "author"
    VOTED = "already voted"
    ROLE = "role"
    NOT_ON_RULE = "not on the rule"
    APPROVED = "approved already"
    REJECTED = "rejected"
    SUPERSEDED = "superseded"
    ENDED = "ended"
    NOT_ELIGIBLE = "not eligible"
    NOT_DEPLOYER = "may not deploy"

    @property
    def sentence(self) -> str:
        """The reason for a person, without a full stop."""
        match self:
            case Obstacle.TRIGGERER:
                return "You triggered this deployment, and GitLab takes no approval from its triggerer"
            case Obstacle.REQUESTER:
                return "You asked for this promotion, so another person has to decide"
            case Obstacle.AUTHOR:
                return "You wrote this merge request, so another person has to approve it"
            case Obstacle.VOTED:
                return "You approved it already"
            case Obstacle.ROLE:
                return "Your role in the project is not enough"
            case Obstacle.NOT_ON_RULE:
                return "No approval rule admits you"
            case Obstacle.APPROVED:
                return "It has every approval it needs"
            case Obstacle.REJECTED:
                return "It was rejected"
            case Obstacle.SUPERSEDED:
                return "Something newer took its place"
            case Obstacle.ENDED:
                return "It ended without a decision"
            case Obstacle.NOT_ELIGIBLE:
                return "GitLab takes no approval from you here"
            case Obstacle.NOT_DEPLOYER:
                return "You may not deploy to this environment"
            case _:
                assert_never(self)

    @classmethod
    def of_state(cls, state: ApprovalState) -> Obstacle | None:
        """What keeps everybody from approving, None while votes are missing."""
        match state:
            case ApprovalState.WAITING:
                return None
            case ApprovalState.APPROVED:
                return cls.APPROVED
            case ApprovalState.REJECTED:
                return cls.REJECTED
            case ApprovalState.SUPERSEDED:
                return cls.SUPERSEDED
            case ApprovalState.EXPIRED | ApprovalState.DONE:
                return cls.ENDED
            case _:
                assert_never(state)
