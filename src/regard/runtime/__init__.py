"""Exported nets in use: graphs that numpy plays.  Nothing here, nor anything that it imports, needs PyTorch."""
