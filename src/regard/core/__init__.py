"""Core: what every other package stands on; no science, and nothing of Regard is imported."""
