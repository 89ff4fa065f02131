"""Engines: what executes run profiles. One folder each."""
