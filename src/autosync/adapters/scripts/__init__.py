"""Hosts for users' scripts: each script lives in a child process of its own, never in the service."""
