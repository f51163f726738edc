"""Rounds: who is measured when, what changed meanwhile, and what follows from what was taken."""
