"""How a fleet ended, what its faults may have caused, and what must be so all the same."""
