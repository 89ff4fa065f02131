"""AutoSync drives identity synchronization engines: a reason for an import in, everything that follows from it out."""
