"""Settings, contexts, credentials and the project's policy file."""
