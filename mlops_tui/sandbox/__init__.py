"""The embedded GitLab-compatible server and its demo world. It shares no code with the client it tests."""
