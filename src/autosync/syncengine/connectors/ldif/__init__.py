"""LDIF content files (RFC 2849): read whole or from a file of changes, written as a whole."""
