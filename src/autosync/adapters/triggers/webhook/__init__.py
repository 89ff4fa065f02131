"""Fires when another program calls: ``type: webhook``."""
