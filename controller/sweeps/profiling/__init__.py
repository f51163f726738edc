"""Profiles: a sweep of one job, planned and watched by rules of its own."""
