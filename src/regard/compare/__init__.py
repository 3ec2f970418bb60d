"""Mechanisms beside each other: a study of many runs, from one file to one table."""
