"""What is kept on this machine, in SQLite: the snapshot cache and the journal of actions."""
