"""What most of the catalog takes on one machine, measured through the product: `make survey`."""
