"""A sweep written as its file."""

from importlib import resources
from io import StringIO
from typing import Final

from ruamel.yaml import YAML

from controller.domain.sweeps import SweepSpec
from controller.views.sweeps.fields import fields_of

SCHEMA: Final = "sweep-file.json"
"""The file's JSON schema, beside this module."""


def sweep_file(spec: SweepSpec) -> str:
    """The file that says the same as a sweep, whose backbones may be words that mean several.

    Its first line is what editors understand: where the schema is.
    """
    yaml = YAML(typ="rt")
    yaml.indent(mapping=2, sequence=4, offset=2)
    # A value of many words stays on its line.
    yaml.width = 4_096
    text = StringIO()
    yaml.dump(dict(fields_of(spec)), text)
    schema = resources.files("controller.cli.sweeps.files").joinpath(SCHEMA)
    return f"# yaml-language-server: $schema={schema}\n{text.getvalue()}"
