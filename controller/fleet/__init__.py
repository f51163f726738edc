"""Agents at work: leases, turns, reports, and what follows from them."""
