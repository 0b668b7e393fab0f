"""What keeps a visible view fresh: pollers, staleness and the snapshot cache."""
