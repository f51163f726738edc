"""Architectures that PaddleClas can build and no document gives figures for.

`python -m tools.catalog.unpublished` asks the installed PaddleClas what it exports and writes
`models/data/unpublished.csv`: everything that neither has published figures nor is excluded here.
"""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

import click

from models.catalog.catalog import COLUMNS, load_published
from models.processes.child import Cancellation, StepFailed, StepLimits, run_step
from models.processes.counting_requests import ListArchitecturesAnswer, ListArchitecturesRequest
from models.tools import ToolMissing, tool_versions

EXCLUSIONS: Mapping[str, str] = MappingProxyType(
    {
        "AdaFace_*": "recognises faces",
        "MobileFaceNet": "recognises faces",
        "BEiTv2_*": "foundation model without an ImageNet classifier",
        "CAE_*": "foundation model without an ImageNet classifier",
        "cae_*": "foundation model without an ImageNet classifier",
        "CLIP_*": "foundation model without an ImageNet classifier",
        "EVA_*": "foundation model without an ImageNet classifier",
        "MAE_*": "foundation model without an ImageNet classifier",
        "MOCOV3_*": "foundation model without an ImageNet classifier",
        "SVTR_*": "reads lines of text, 48 pixels high",
        "EfficientNetB3_watermark": "detects watermarks",
        "PPLCNetV2_base_ShiTu": "retrieval variant of a network of the catalog",
        "PPLCNet_x2_5_Tanh": "hashing variant of a network of the catalog",
        "ResNet50_adaptive_max_pool2d": "retrieval variant of a network of the catalog",
        "ResNet50_last_stage_stride1": "retrieval variant of a network of the catalog",
        "ResNet50_metabin": "person re-identification variant of a network of the catalog",
        "SwinTransformer_*_SOLIDER": "person re-identification variant of a network of the catalog",
        "VGG19Sigmoid": "hashing variant of a network of the catalog",
        "PPLCNetBaseNet": "another name of PPLCNet_x1_0",
        "SE_ResNeXt152_64x4d": "cannot run: two of its layers do not fit each other",
        "WideResNet": "no network of its own: depth, width and classes are the caller's",
    }
)
"""Name or pattern of what stays out of the catalog, with the reason."""

SERIES: Mapping[str, str] = MappingProxyType(
    {
        "legendary_models.hrnet": "HRNet",
        "legendary_models.pp_lcnet_v2": "PP-LCNetV2",
        "model_zoo.cvt": "CvT",
        "model_zoo.efficientnet_v2": "EfficientNetV2",
        "model_zoo.micronet": "MicroNet",
        "model_zoo.mobilenext": "MobileNeXt",
        "model_zoo.mobilevit_v2": "MobileViTV2",
        "model_zoo.tinynet": "TinyNet",
    }
)
"""Series by the module below `ppcls.arch.backbone` that defines the architecture."""

INPUT_SIZES: Mapping[str, int] = MappingProxyType(
    {
        "CvT_*_384": 384,
        "EfficientNetV2_S": 384,
        "MobileViTV2_*": 256,
        "TinyNet_A": 192,
        "TinyNet_B": 188,
        "TinyNet_C": 184,
        "TinyNet_D": 152,
        "TinyNet_E": 106,
    }
)
"""Evaluation crop, pixels, in PaddleClas' configurations (`ppcls/configs/ImageNet`)."""

DEFAULT_INPUT_SIZE = 224

Value = TypeVar("Value")


class Unsorted(ValueError):
    """PaddleClas exports an architecture of a module that has no series here."""


def unpublished_rows(
    modules: Mapping[str, str], published: Iterable[str], version: str
) -> list[dict[str, str]]:
    """Return a row of the catalog's file for each architecture without published figures.

    Args:
        modules: defining module by architecture.
        published: architectures that have published figures.
        version: of PaddleClas.

    Raises:
        Unsorted: an architecture is neither published, nor excluded, nor of a known series.
    """
    known = set(published)
    return [
        _row(name, module, version)
        for name, module in sorted(modules.items(), key=lambda item: (item[1], item[0]))
        if name not in known and exclusion_of(name) is None
    ]


def exclusion_of(architecture: str) -> str | None:
    """Return why an architecture stays out of the catalog, or None."""
    return _match(EXCLUSIONS, architecture)


def _row(name: str, module: str, version: str) -> dict[str, str]:
    if module not in SERIES:
        raise Unsorted(
            f"PaddleClas {version} exports {name} of {module}, which tools/catalog/unpublished.py "
            "does not know: add its series there, or exclude it with a reason"
        )
    source = f"paddleclas {version}, ppcls/arch/backbone/{module.replace('.', '/')}.py"
    known = {
        "name": name,
        "architecture": name,
        "series": SERIES[module],
        "input_size": str(_match(INPUT_SIZES, name) or DEFAULT_INPUT_SIZE),
        "distilled": "false",
        "extra_data": "false",
        "source": source,
    }
    return {column: known.get(column, "") for column in COLUMNS}


def _match(table: Mapping[str, Value], name: str) -> Value | None:
    return next((value for key, value in table.items() if fnmatchcase(name, key)), None)


@click.command()
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path(__file__).parents[2] / "models" / "data" / "unpublished.csv",
    show_default=True,
)
def main(output: Path) -> None:
    """Write the architectures that PaddleClas exports and no document gives figures for."""
    try:
        version = tool_versions(("paddleclas",))["paddleclas"]
        with tempfile.TemporaryDirectory() as folder:
            answer = run_step(
                "list_architectures",
                ListArchitecturesRequest(),
                ListArchitecturesAnswer,
                workdir=Path(folder),
                limits=StepLimits(),
                cancellation=Cancellation(),
            )
        published = (backbone.architecture for backbone in load_published())
        rows = unpublished_rows(answer.modules, published, version)
    except (StepFailed, ToolMissing, Unsorted) as error:
        raise click.ClickException(str(error)) from error
    with output.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    click.echo(f"{len(rows)} architectures in {output}")


if __name__ == "__main__":
    main()
