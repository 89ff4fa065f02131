"""The rules as functions: compiled once for each version of the configuration."""
