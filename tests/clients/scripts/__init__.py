"""Programs that run in the environment of the foreign clients, each a process of its own."""
