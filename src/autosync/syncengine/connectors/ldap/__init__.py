"""LDAP directories and Active Directory."""
