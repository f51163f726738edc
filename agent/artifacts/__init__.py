"""Artifacts on the device: fetched by their digest, checked, kept."""
