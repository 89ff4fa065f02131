"""The configuration: from YAML text to a validated specification, every mistake with its place in the file."""
