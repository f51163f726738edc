"""Weights: where they are published, downloaded once, checked."""
