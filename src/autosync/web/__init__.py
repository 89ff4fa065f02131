"""The HTTP border: what the service answers, for programs and for the console, on this machine unless told otherwise."""
