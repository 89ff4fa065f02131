"""Delimited text files (CSV): read whole or from a delta file, written as a whole."""
