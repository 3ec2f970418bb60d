"""The command line: `main.py` and one file for each command.  Nothing here loads torch before a command needs it."""
