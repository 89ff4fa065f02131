"""The run steps: import, synchronization, export."""
