"""Sweeps as files: what the options say, written down."""
