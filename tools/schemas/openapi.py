"""The OpenAPI document of the query API: FastAPI's, with the schemas of the documents answered."""

from __future__ import annotations

from typing import Any, Final, get_args, get_origin, get_type_hints

from fastapi.routing import APIRoute

from controller.api.web.answers import Answer, Page
from controller.api.web.app import described
from controller.api.web.problems import MEDIA_TYPE, Problem
from controller.api.web.reading import ROUTERS
from tools.schemas.generation import Schema, schema_of

_COMPONENTS: Final = "#/components/schemas/"
_TOKEN: Final = {
    "type": "http",
    "scheme": "bearer",
    "description": "A token of `edgerank access create`, as printed. On the controller's own "
    "machine its owner needs none.",
}
# Before OpenAPI 3.2 the schema of a stream is that of each of its events.
_EVENT: Final[Schema] = {
    "type": "object",
    "properties": {
        "event": {"type": "string"},
        "data": {"type": "string", "contentMediaType": "application/json"},
    },
    "required": ["event", "data"],
}


def openapi() -> Schema:
    """Return the document; every schema stands among its components."""
    document: Schema = described().openapi()
    components: Schema = {"Problem": _moved(Problem.model_json_schema(mode="serialization"))}
    components |= components["Problem"].pop("$defs")
    for route in _routes():
        for method in sorted(route.methods or ()):
            operation = document["paths"][route.path][method.lower()]
            operation["responses"] = {
                "200": _success(route, components),
                "default": {
                    "description": "What went wrong.",
                    "content": {MEDIA_TYPE: {"schema": {"$ref": f"{_COMPONENTS}Problem"}}},
                },
            }
    document["components"] = {
        "schemas": dict(sorted(components.items())),
        "securitySchemes": {"token": _TOKEN},
    }
    document["security"] = [{}, {"token": []}]
    return document


def _routes() -> list[APIRoute]:
    routes = [each for router in ROUTERS for each in router.routes if isinstance(each, APIRoute)]
    return [each for each in routes if each.include_in_schema]


def _success(route: APIRoute, components: Schema) -> Schema:
    answered = get_type_hints(route.endpoint)["return"]
    if get_origin(answered) is not Answer:
        events = {"text/event-stream": {"schema": _EVENT}}
        return {"description": "Server-sent events.", "content": events}
    (document,) = get_args(answered)
    schema = _document(document, components)
    return {"description": "The answer.", "content": {"application/json": {"schema": schema}}}


def _document(answered: Any, components: Schema) -> Schema:
    if get_origin(answered) is Page:
        (item,) = get_args(answered)
        items = {"type": "array", "items": _document(item, components)}
        return {
            "type": "object",
            "description": "Some of what was asked for.",
            "properties": {
                "items": items,
                "next_cursor": {
                    "type": ["string", "null"],
                    "description": "What to ask the next ones with; null where these are the last.",
                },
            },
            "required": ["items", "next_cursor"],
            "additionalProperties": False,
        }
    schema = _moved(schema_of("answer", answered))
    components |= schema.pop("$defs")
    return {key: each for key, each in schema.items() if key not in ("$schema", "$id", "title")}


def _moved(schema: Any) -> Any:
    """A schema whose references lead to the components."""
    if isinstance(schema, dict):
        return {
            key: each.replace("#/$defs/", _COMPONENTS) if key == "$ref" else _moved(each)
            for key, each in schema.items()
        }
    return [_moved(each) for each in schema] if isinstance(schema, list) else schema
