"""Channels that tell people; one file each."""
