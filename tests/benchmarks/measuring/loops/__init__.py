"""A measuring loop against a bare one, in turn over one loaded network in one process."""
