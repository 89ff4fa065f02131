"""The way in on the synchronization server itself: WMI by COM, and the tools as child processes. Windows only."""
