"""The question for the best backbone of a device: its form, its address, its answer."""
