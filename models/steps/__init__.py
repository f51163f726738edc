"""Steps of a conversion, each run as `python -m models.steps <step>` in a process of its own."""
