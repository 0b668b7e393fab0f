"""The GitLab adapter: one asynchronous transport, and one module per noun that turns answers into records."""
