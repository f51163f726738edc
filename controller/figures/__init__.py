"""Figures from raw samples, and what they do not tell: pure functions."""
