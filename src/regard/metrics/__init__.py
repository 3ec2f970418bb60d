"""Figures that more than one task uses."""
