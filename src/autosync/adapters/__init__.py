"""The world: everything that talks to engines, stores, connected systems and people. Adapters do not know each other."""
