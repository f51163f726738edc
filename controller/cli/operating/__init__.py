"""What who runs a machine of the fleet does there: serve, examine, back up."""
