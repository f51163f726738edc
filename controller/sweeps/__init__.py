"""Sweeps and profiles: planned, started, followed, cancelled."""
