"""How agents come: as whom, instead of whom, and with which leases."""
