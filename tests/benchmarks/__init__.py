"""Benchmarks: ratios, both sides in one run. They write docs/proof/benchmarks.md."""
