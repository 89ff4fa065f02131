"""Watches Active Directory and AD LDS: notifications wake it, DirSync or uSNChanged tells what really changed."""
