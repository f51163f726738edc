"""Rounds of repetitions: whose turn it is, what was taken, how a sweep stands on a device."""
