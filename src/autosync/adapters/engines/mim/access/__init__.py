"""The ways in to a synchronization server: WS-Management, local COM, and PowerShell remoting for what needs a process."""
