"""Windows servers from afar: WS-Management and PowerShell remoting, for every adapter that needs them.

Blocking libraries work in threads of this package; what goes wrong is one exception whose message is for people.
"""
