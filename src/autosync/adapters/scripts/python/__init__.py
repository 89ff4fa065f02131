"""Scripts in Python: the bridge program runs them in any Python from 3.9 on, with or without AutoSync beside it."""
