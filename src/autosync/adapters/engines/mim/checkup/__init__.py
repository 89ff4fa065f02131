"""Looks at a synchronization server as ``autosync doctor`` does: network, sign-in, rights, tools, clock."""
