"""Approvals as rules: ids, the order of the inbox, and the state machine against a model of its own."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from mlops_tui.domain.approval_states import ApprovalState, Obstacle
from mlops_tui.domain.approvals import (
    Approval,
    ApprovalId,
    ApprovalKind,
    ApprovalRule,
    Decision,
    Standing,
    Vote,
    in_inbox_order,
)
from mlops_tui.domain.errors import UsageError
from mlops_tui.domain.projects import Project, ProjectRef, Role, User
from mlops_tui.domain.promotion_requests import DecisionNote
from mlops_tui.domain.votes import Electorate, Note, count_votes

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
PEOPLE = tuple(User(number, name, name.capitalize()) for number, name in enumerate(("ada", "mona", "dev", "sam"), 1))
EVIDENCE = {0: "a" * 64, 1: "b" * 64}


@given(st.sampled_from(ApprovalKind), st.integers(0, 10**9), st.integers(0, 10**9))
def test_ids_are_read_back(kind: ApprovalKind, project: int, number: int) -> None:
    made = ApprovalId(kind, project, number)
    assert ApprovalId.parse(str(made)) == made


@pytest.mark.parametrize(
    "text", ["", "deployment", "deployment:1", "x:1:2", "deployment:1:2:3", "deployment:-1:2", "issue:\u0661:2"]
)
def test_what_is_no_id_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        ApprovalId.parse(text)


def test_every_obstacle_has_a_sentence_and_every_state_knows_its_obstacle() -> None:
    assert len({obstacle.sentence for obstacle in Obstacle}) == len(Obstacle)
    assert [state for state in ApprovalState if Obstacle.of_state(state) is None] == [ApprovalState.WAITING]


def _approval(number: int, *, can: bool, missing: int, hours: int) -> Approval:
    project = Project(ProjectRef(1, "acme/fraud"), "main", "", Role.MAINTAINER)
    return Approval(
        id=ApprovalId(ApprovalKind.ISSUE, 1, number),
        project=project,
        title="",
        model="",
        version="",
        environment="",
        is_production=False,
        requested_by=PEOPLE[2],
        waiting_since=NOW - timedelta(hours=hours),
        state=ApprovalState.WAITING,
        rules=(ApprovalRule("maintainers", missing, 0, PEOPLE),),
        votes=(Vote(PEOPLE[0], Decision.APPROVED, NOW, rule="maintainers"),),
        obstacle=None if can else Obstacle.ROLE,
        may_reject=can,
    )


def test_what_one_word_settles_comes_first_then_what_waits_longest() -> None:
    one = _approval(1, can=True, missing=2, hours=9)
    two = _approval(2, can=False, missing=1, hours=99)
    three = _approval(3, can=True, missing=1, hours=1)
    four = _approval(4, can=True, missing=1, hours=2)
    assert [item.id.number for item in in_inbox_order([one, two, three, four])] == [4, 3, 1, 2]


def test_those_who_can_still_approve_have_not_voted_and_did_not_ask() -> None:
    approval = _approval(1, can=True, missing=2, hours=1)
    people = approval.can_still_approve(approval.rules[0], approval.barred)
    assert [user.username for user in people or ()] == ["mona", "sam"]


class RequestMachine(RuleBasedStateMachine):
    """A request under everything that can happen to it, against a model that keeps the truth in the plainest way."""

    def __init__(self) -> None:
        super().__init__()
        self.minute = 0
        self.notes: dict[int, Note] = {}
        self.edited: set[int] = set()
        self.roles = {user.id: Role.MAINTAINER for user in PEOPLE}
        self.required = 1
        self.evidence = 0
        self.closed = self.run = self.overtaken = False

    def _write(self, user: User, decision: Decision, evidence: str) -> None:
        self.minute += 1
        at = NOW + timedelta(minutes=self.minute)
        note = DecisionNote(decision, evidence, "00000000-0000-4000-8000-000000000000", "0" * 16)
        self.notes[self.minute] = Note(self.minute, user, "", at, at, decision=note)

    @rule(user=st.sampled_from(PEOPLE), decision=st.sampled_from(Decision))
    def vote(self, user: User, decision: Decision) -> None:
        self._write(user, decision, EVIDENCE[self.evidence])

    @rule(user=st.sampled_from(PEOPLE))
    def vote_on_other_evidence(self, user: User) -> None:
        self._write(user, Decision.APPROVED, EVIDENCE[1 - self.evidence])

    @precondition(lambda self: self.notes)
    @rule(data=st.data())
    def edit(self, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from(sorted(self.notes)))
        note = self.notes[number]
        later = NOW + timedelta(days=1)
        self.notes[number] = Note(number, note.author, "", note.created_at, later, decision=note.decision)
        self.edited.add(number)

    @precondition(lambda self: self.notes)
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        del self.notes[data.draw(st.sampled_from(sorted(self.notes)))]

    @rule(user=st.sampled_from(PEOPLE), role=st.sampled_from([Role.NONE, Role.DEVELOPER, Role.MAINTAINER]))
    def change_role(self, user: User, role: Role) -> None:
        self.roles[user.id] = role

    @rule(required=st.integers(1, 3))
    def change_rule(self, required: int) -> None:
        self.required = required

    @rule()
    def change_evidence(self) -> None:
        self.evidence = 1 - self.evidence

    @rule()
    def close(self) -> None:
        self.closed = True

    @rule()
    def deploy(self) -> None:
        self.run = True

    @rule()
    def overtake(self) -> None:
        self.overtaken = True

    def _model(self) -> tuple[int, int]:
        """Who stands for what: each person's last word, if it is untouched, on this evidence, and theirs to give."""
        last: dict[int, Decision | None] = {}
        for number in sorted(self.notes):
            note = self.notes[number]
            assert note.decision is not None
            if number in self.edited:
                last[note.author.id] = None
            elif note.decision.evidence == EVIDENCE[self.evidence] and self.roles[note.author.id] >= Role.MAINTAINER:
                last[note.author.id] = note.decision.decision
        words = [word for user, word in last.items() if user != PEOPLE[2].id]
        return words.count(Decision.APPROVED), words.count(Decision.REJECTED)

    @invariant()
    def agrees(self) -> None:
        electorate = Electorate(self.roles, Role.MAINTAINER, frozenset({"dev"}))
        tally = count_votes(self.notes.values(), EVIDENCE[self.evidence], electorate)
        approvals, rejections = self._model()
        assert (tally.approvals, tally.rejections) == (approvals, rejections)
        missing = max(0, self.required - tally.approvals)
        state = Standing(missing, tally.rejections, self.run, self.closed, self.overtaken).state
        assert state is self._expected(approvals, rejections)
        assert all(vote.user.username != "dev" for vote in tally.votes)

    def _expected(self, approvals: int, rejections: int) -> ApprovalState:
        if self.run:
            return ApprovalState.DONE
        if rejections:
            return ApprovalState.REJECTED
        if self.overtaken:
            return ApprovalState.SUPERSEDED
        if self.closed:
            return ApprovalState.EXPIRED
        return ApprovalState.APPROVED if approvals >= self.required else ApprovalState.WAITING


TestRequestMachine = RequestMachine.TestCase


@given(st.permutations(range(6)), st.data())
def test_the_order_in_which_notes_are_listed_is_of_no_account(order: list[int], data: st.DataObject) -> None:
    notes = []
    for number in range(6):
        at = NOW + timedelta(minutes=number)
        user, decision = data.draw(st.sampled_from(PEOPLE)), data.draw(st.sampled_from(Decision))
        written = DecisionNote(decision, EVIDENCE[0], "00000000-0000-4000-8000-000000000000", "0" * 16)
        notes.append(Note(number, user, "", at, at, decision=written))
    electorate = Electorate({user.id: Role.OWNER for user in PEOPLE}, Role.MAINTAINER, frozenset())
    assert count_votes(notes, EVIDENCE[0], electorate) == count_votes(
        [notes[n] for n in order], EVIDENCE[0], electorate
    )


def test_a_seen_rejection_cannot_be_taken_back_by_deleting_or_editing_it() -> None:
    electorate = Electorate({user.id: Role.OWNER for user in PEOPLE}, Role.MAINTAINER, frozenset())
    seen = {7: Vote(PEOPLE[0], Decision.REJECTED, NOW, note_id=7)}
    gone = count_votes([], EVIDENCE[0], electorate, seen)
    assert (gone.approvals, gone.rejections) == (0, 1)
    emptied = Note(7, PEOPLE[0], "never mind", NOW, NOW + timedelta(hours=1))
    assert count_votes([emptied], EVIDENCE[0], electorate, seen).rejections == 1


def test_a_seen_approval_that_is_gone_does_not_count() -> None:
    electorate = Electorate({user.id: Role.OWNER for user in PEOPLE}, Role.MAINTAINER, frozenset())
    seen = {7: Vote(PEOPLE[0], Decision.APPROVED, NOW, note_id=7)}
    tally = count_votes([], EVIDENCE[0], electorate, seen)
    assert (tally.approvals, len(tally.discounted)) == (0, 1)
