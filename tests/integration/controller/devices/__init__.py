"""Devices: how they stand, what befalls them, and who is told."""
