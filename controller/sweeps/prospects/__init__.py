"""Sweeps that may be started: what of them is there, and how long the rest would take."""
