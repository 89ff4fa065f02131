"""A connected system in memory, for tests: it can do all that a real one can, and fail like one."""
