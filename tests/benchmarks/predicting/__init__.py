"""Whether what is predicted is what was measured."""
