"""What is simulated beneath both sides: time, the disk under the database, and the network."""
