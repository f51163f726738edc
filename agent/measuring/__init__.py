"""The parent's side of measuring: when a child starts, what watches it, what it is placed on."""
