"""One suite of promises per port, for every adapter of it, ours or somebody else's."""
