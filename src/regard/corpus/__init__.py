"""Predictions for a corpus: its rows in parts, each answered by one process and written once, and a folder that says what is there."""
