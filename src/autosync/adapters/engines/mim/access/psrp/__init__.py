"""The way in by PowerShell remoting: for what needs a process on the server."""
