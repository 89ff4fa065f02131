"""The embedded engine behind the engine port: the library works in a child process, the service only talks to it."""
