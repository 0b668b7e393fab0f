"""Sources of traces other than our own store: each speaks the protocol of one kind of server."""
