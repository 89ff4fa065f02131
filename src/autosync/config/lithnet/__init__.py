"""Taking over a configuration of Lithnet AutoSync: its ``config.xml`` and registry become ``autosync.yaml`` and a report."""
