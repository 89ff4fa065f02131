"""How keys are read: a block of keys, described once, gives the reading, the mistakes, the JSON Schema and the reference."""
