"""The nouns: what AutoSync knows and says. Frozen values only; nothing here decides, waits or touches the world."""
