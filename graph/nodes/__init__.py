"""The nodes: each reads the state, calls one tool or agent, and returns the keys that it changes."""
