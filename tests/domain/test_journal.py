"""A change anywhere in the chain shows, and shows where."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from mlops_tui.domain.journal import GENESIS, EntryKind, JournalEntry, seal, verify_chain

MOMENT = datetime(2026, 1, 1, tzinfo=UTC)


def chain(length: int) -> list[JournalEntry]:
    entries: list[JournalEntry] = []
    for number in range(1, length + 1):
        previous = entries[-1].hash if entries else GENESIS
        entries.append(seal(number, MOMENT, EntryKind.INTENT, f"intent-{number}", {"number": number}, previous))
    return entries


@given(st.integers(0, 8))
def test_an_untouched_chain_holds(length: int) -> None:
    entries = chain(length)
    report = verify_chain(entries)
    assert report.holds
    assert (report.entries, report.head) == (length, entries[-1].hash if entries else GENESIS)


@given(st.integers(1, 8), st.data())
def test_any_changed_field_is_found_at_its_place(length: int, data: st.DataObject) -> None:
    entries = chain(length)
    place = data.draw(st.integers(0, length - 1))
    entry = entries[place]
    entries[place] = data.draw(
        st.sampled_from(
            [
                replace(entry, payload='{"number":99}'),
                replace(entry, intent_id="another"),
                replace(entry, kind=EntryKind.RECEIPT),
                replace(entry, at=datetime(2026, 1, 2, tzinfo=UTC)),
                replace(entry, hash="f" * 64),
            ]
        )
    )
    assert verify_chain(entries).broken_at == place + 1


@given(st.integers(2, 8), st.data())
def test_a_removed_or_swapped_entry_is_found(length: int, data: st.DataObject) -> None:
    entries = chain(length)
    place = data.draw(st.integers(0, length - 2))
    without = entries[:place] + entries[place + 1 :]
    swapped = [*entries[:place], entries[place + 1], entries[place], *entries[place + 2 :]]
    assert verify_chain(without).broken_at == place + 1
    assert verify_chain(swapped).broken_at == place + 1


def test_an_entry_sealed_anew_breaks_the_next_one() -> None:
    entries = chain(3)
    entries[0] = seal(1, MOMENT, EntryKind.INTENT, "intent-1", {"number": 7}, GENESIS)
    assert verify_chain(entries).broken_at == 2
