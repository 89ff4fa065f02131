"""Where the engine keeps its connector spaces, metaverse and run history."""
