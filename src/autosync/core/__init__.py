"""The decisions: pure functions of what is known, what happened and what time it is. No input, no output, no clock."""
