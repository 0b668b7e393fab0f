"""A process that appends to a journal and says what was acknowledged: ``python -m`` with a path, a name and a count."""

from __future__ import annotations

import sys
from pathlib import Path

from mlops_tui.domain.clock import SystemClock
from mlops_tui.domain.journal import EntryKind
from mlops_tui.storage.journal import Journal
from mlops_tui.storage.journal_entries import Draft


def main(path: str, name: str, count: str) -> None:
    journal = Journal(Path(path), SystemClock())
    for number in range(int(count)):
        entry = journal.append_sync(Draft(EntryKind.INTENT, f"{name}-{number}", {"n": number}))
        print(entry.sequence, entry.hash, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
