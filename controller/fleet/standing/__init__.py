"""Whether devices take jobs, and what people do with them."""
