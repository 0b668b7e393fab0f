"""Real third-party clients against the sandbox."""
