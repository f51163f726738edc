"""Answers about rankings on the terminal, kept whole."""
