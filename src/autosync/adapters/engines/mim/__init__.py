"""Microsoft Identity Manager: the Synchronization Service, driven from outside by documented means."""
