"""Gives the jobs of sweeps their artifacts, or their failures."""
