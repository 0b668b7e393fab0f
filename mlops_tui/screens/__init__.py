"""One screen per file, its style sheet beside it; screens draw snapshots and raise intents, nothing else."""
