"""Scripts in PowerShell: the bridge program runs them in Windows PowerShell 5.1 or PowerShell 7, in a runspace of their own."""
