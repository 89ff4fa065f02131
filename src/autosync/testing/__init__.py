"""For tests, shipped: simulated time, the simulated engine's faults, and the contract suites of the ports."""
