"""Real servers for tests, benchmarks and the demo: Debian's packages, private folders, loopback, no process left behind."""
