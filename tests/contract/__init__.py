"""The contract's other versions: the last one, and what may come."""
