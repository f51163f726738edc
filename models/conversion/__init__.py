"""A backbone's way to its artifacts: which steps, in which order, with which outcome."""
