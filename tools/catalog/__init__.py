"""What maintainers count and look up for the catalog."""
