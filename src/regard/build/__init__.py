"""From a checked config to modules."""
