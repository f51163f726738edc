"""Answers on the terminal, and progress while they come."""
