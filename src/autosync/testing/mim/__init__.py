"""A stand-in for the Synchronization Service of Microsoft Identity Manager: for tests, demonstrations and rehearsals.

``provider`` is the server's inside: agents, connector spaces, runs, history, and the texts and files that real servers
write. ``direct`` puts AutoSync's two access protocols straight on it; ``server`` speaks WS-Management and PowerShell
remoting over HTTP or HTTPS, as the real one does. It never runs PowerShell: it knows the commands that AutoSync sends.
"""
