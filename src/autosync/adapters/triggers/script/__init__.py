"""Asks a script of the user whether something changed: ``type: powershell`` and ``type: python``."""
