"""JSON schemas and the field tables of their page, generated from the dataclasses."""
