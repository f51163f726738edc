"""One controller's life: from start to stop, its metrics, its backups, and its examination."""
