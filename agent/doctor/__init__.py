"""Examines the set-up of a device: what is wrong, and what to do about it."""
