"""What the keys of conversions and the steps both read."""
