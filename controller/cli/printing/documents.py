"""Prints documents for programs."""

import json

import click

from controller.views.documents import to_document


def print_json(domain_object: object) -> None:
    """Prints a domain object, or a sequence of them, as one JSON document."""
    click.echo(json.dumps(to_document(domain_object), indent=2, ensure_ascii=False))
