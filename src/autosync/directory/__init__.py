"""The directory client: LDAP (RFC 4511) over asyncio, for triggers and connectors. A library that knows nothing of AutoSync."""
