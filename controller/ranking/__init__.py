"""Which backbone is best, and which is faster: pure functions of measurements."""
