"""The rules of the engine as plain values: what the YAML says, checked and complete."""
