"""Measures through the native runner, a small program that loads a runtime's own library."""
