"""Measures through Paddle Lite's own `benchmark_bin`, which tells a mean of its inferences."""
