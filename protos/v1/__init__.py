"""The contract, version 1, and the code generated from it."""
