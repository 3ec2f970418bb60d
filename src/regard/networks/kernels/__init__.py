"""Compiled loops of the networks, each with its plain twin beside the network."""
