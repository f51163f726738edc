"""A ranking as one self-contained page."""
