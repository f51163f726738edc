"""Prints documents for programs."""

import json

import click

from controller.views.documents import spelt_safely, to_document


def print_json(domain_object: object) -> None:
    """Prints a domain object, or a sequence of them, as one JSON document."""
    document = to_document(domain_object)
    click.echo(spelt_safely(json.dumps(document, indent=2, ensure_ascii=False)))
