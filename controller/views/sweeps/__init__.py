"""Sweeps in words: as options and fields, as commands, as plans."""
