"""Phones that hang on this computer, each a device of the fleet that this agent speaks for."""
