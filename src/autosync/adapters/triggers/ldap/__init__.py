"""Watches an LDAP directory: by syncrepl, by its change log, or by time stamps, whichever it can."""
