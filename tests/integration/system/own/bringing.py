"""How people bring models and accuracy, and what a controller says of them."""

import json
from pathlib import Path
from typing import Any

from tests.processes import edgerank

HEADER = "name,dataset,metric,value,precision,source"


def refused(*arguments: str, address: str) -> str:
    done = edgerank(*arguments, address=address)
    assert done.returncode == 2, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert done.stderr.count("error:") == 1
    return " ".join(done.stderr.split())


def own_names(address: str) -> list[str]:
    done = edgerank("models", "own", "--json", address=address)
    return [model["name"] for model in json.loads(done.stdout)]


def csv(path: Path, *rows: str) -> str:
    path.write_text("\n".join((HEADER, *rows)) + "\n")
    return str(path)


def datasets(address: str) -> dict[str, Any]:
    done = edgerank("accuracy", "list", "--json", address=address)
    return {each["name"]: each for each in json.loads(done.stdout)}
