"""Use cases: queries that return a Snapshot, and commands that go preview, confirm, run, receipt."""
