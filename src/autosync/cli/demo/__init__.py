"""The demo: a made-up company of a thousand people, kept in step by the embedded engine, explained as it happens."""
