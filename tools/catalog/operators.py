"""`python -m tools.catalog.operators` writes which operators Paddle programs of others may have.

It writes `models/data/paddle_operators.csv`: what the converters' own tables name, less what no
network of images needs, and what the programs of the catalog are made of.
"""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import click

from models.catalog.catalog import load_catalog
from tools.catalog.count import program_sizes
from tools.catalog.counting import counted

COLUMNS = ("operator", "paddle2onnx", "paddlelite", "catalog")

UNNEEDED: Mapping[str, str] = MappingProxyType(
    {
        "control flow": "conditional_block while select_input increment is_empty share_data",
        "arrays of tensors": "lod_array_length lod_reset merge_lod_tensor split_lod_tensor "
        "read_from_array write_to_array tensor_array_to_tensor",
        "a terminal": "print",
        "random numbers, and memory that nobody wrote": "gaussian_random uniform_random "
        "sampling_id empty",
        "words and sequences": "beam_search beam_search_decode crf_decoding gather_tree "
        "lookup_table lookup_table_dequant match_matrix_tensor sequence_concat sequence_conv "
        "sequence_expand sequence_expand_as sequence_mask sequence_pad sequence_pool "
        "sequence_reshape sequence_reverse sequence_softmax sequence_unpad var_conv_2d "
        "viterbi_decode",
        "training and recommending": "correlation data_norm dequantize_log inverse "
        "partial_concat partial_sum softmax_with_cross_entropy unique unique_with_counts",
    }
)
"""What the converters take and no network of images needs, by what it is for."""

_ASK = """
import json, sys
from models.steps.onnx.onnx import converter
from paddle.base.framework import OpProtoHolder
from paddlelite.lite import Opt

tables = [list(OpProtoHolder.instance().op_proto_map), converter().get_all_supported_operators()]
print(json.dumps(tables), flush=True)
Opt().print_all_ops()
"""
# Those that Paddle Lite's passes take together with what they stand beside: it computes none alone.
_QUANTISING = ("fake_quantize", "fake_dequantize", "fake_channel_wise")


@dataclass(frozen=True, slots=True)
class Tables:
    """What a program may name: Paddle's operators, and those that each converter says it takes."""

    paddle: frozenset[str]
    paddle2onnx: frozenset[str]
    paddlelite: frozenset[str]

    def rows(self, traced: Iterable[str]) -> list[tuple[str, str, str, str]]:
        """Return the rows of the file, where the catalog's programs have the traced operators."""
        of_catalog = frozenset(traced)
        quantising = {name for name in self.paddle if name.startswith(_QUANTISING)}
        left_out = {name for names in UNNEEDED.values() for name in names.split()}
        taken = (self.paddle2onnx | self.paddlelite) & self.paddle - left_out - {"feed", "fetch"}
        return [
            (
                name,
                "mapper" if name in self.paddle2onnx else "",
                "kernel" if name in self.paddlelite else "pass" if name in quantising else "",
                "traced" if name in of_catalog else "",
            )
            for name in sorted(taken | quantising | of_catalog)
        ]


def converters_tables() -> Tables:
    """Ask Paddle and both converters, in a process of their own."""
    done = subprocess.run([sys.executable, "-c", _ASK], capture_output=True, text=True, check=True)
    first, *lines = done.stdout.splitlines()
    paddle, paddle2onnx = json.loads(first)
    words = [line.split() for line in lines if line.strip()]
    kernels = {name for name, *places in words if "Y" in places}
    return Tables(frozenset(paddle), frozenset(paddle2onnx), frozenset(kernels))


@click.command()
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path(__file__).parents[2] / "models" / "data" / "paddle_operators.csv",
    show_default=True,
)
@click.option("--workers", type=click.IntRange(1), default=2, show_default=True)
def main(output: Path, workers: int) -> None:
    """Write the operators that Paddle programs of others may have."""
    with ThreadPoolExecutor(workers) as pool:
        traced = pool.map(lambda size: counted(*size).operators, program_sizes(load_catalog()))
        rows = converters_tables().rows(name for names in traced for name in names)
    with output.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(rows)


if __name__ == "__main__":
    main()
