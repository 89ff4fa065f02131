"""Where AutoSync remembers: SQLite for real, memory for tests and simulation, one contract for both."""
