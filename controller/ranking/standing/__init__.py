"""Which place a candidate has, how surely, and how many of them are told."""
