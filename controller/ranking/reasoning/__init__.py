"""What follows from a ranking: who is surely the first, and why another is not."""
