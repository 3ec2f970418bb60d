"""The compiled loops: C, built ahead of time, without Python inside."""
