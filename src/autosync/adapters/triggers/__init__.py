"""Triggers that watch connected systems."""
