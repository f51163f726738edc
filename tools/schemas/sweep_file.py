"""The JSON schema of a sweep's file, which people write and editors check."""

from pydantic.json_schema import GenerateJsonSchema

from controller.cli.sweeps.files.fields import file_model
from controller.cli.sweeps.sweep import sweep
from tools.schemas.generation import DIALECT, Schema


def sweep_file_schema() -> Schema:
    """Return the schema of what `edgerank sweep FILE.yaml` reads."""
    generated = file_model(sweep).model_json_schema(by_alias=True, schema_generator=_Untitled)
    return {"$schema": DIALECT, "$id": "urn:edgerank:schema:sweep-file", **generated}


class _Untitled(GenerateJsonSchema):
    def field_title_should_be_set(self, *_: object) -> bool:
        """Say no: a title would only repeat the field's name."""
        return False
