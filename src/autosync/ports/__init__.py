"""The promises: what AutoSync asks of engines, stores, triggers, notifiers, clocks and secrets. A page each."""
