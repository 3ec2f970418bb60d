"""The data doctor: what is wrong with files before a net learns it.  Reads lines, knows no network."""
