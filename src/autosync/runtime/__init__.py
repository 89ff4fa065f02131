"""The shell: the only asyncio plumbing. It waits for the world, asks the core, commits, publishes and acts."""
