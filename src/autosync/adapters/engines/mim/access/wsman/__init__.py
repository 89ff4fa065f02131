"""The way in by WS-Management: WMI over HTTP, without PowerShell."""
