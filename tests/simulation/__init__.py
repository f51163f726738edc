"""Fleets in simulated time: both sides' decisions, driven by events, without sockets or waiting."""
