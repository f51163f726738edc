"""Sweeps: started, followed, cancelled, found again."""
