"""Converting, against the same tools called by hand in the same run."""

import json
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from controller.views.conversions.rows import TARGETS
from models.catalog.catalog import Backbone, load_catalog
from models.catalog.tiers import Tier, select_tier
from models.catalog.variants import Target, WeightsKind, variants_of
from models.conversion.pipeline import Converted, convert
from models.digest import file_sha256
from models.weights.addresses import published_address
from models.weights.weights import Weights
from tests.benchmarks.converting import bare_tools
from tests.benchmarks.pages.section import Section
from tests.processes import EDGERANK, running_controller

BACKBONES = ("MobileNetV3_small_x1_0", "GhostNet_x1_3", "ResNet50")
ROUNDS = 5
ONE_LIMIT = 1.15
TIER_LIMIT = 1.3
CORES = 2
CONTROLLER_LIMIT_BYTES = 500_000_000


@dataclass(frozen=True)
class _TierRun:
    """What the command took, the controller's peak memory, and what was said of files not made."""

    wall_s: float
    peak_bytes: int
    not_made: str


# Writes calibrated parameters as published weights are written.
_SAVE_WEIGHTS = """
import sys, paddle
from models.steps.paddle import architectures, synthetic
network = architectures.build(sys.argv[1])
synthetic.calibrate(network, int(sys.argv[2]), image_count=8)
paddle.save(network.state_dict(), sys.argv[3])
"""


def run_one() -> Section:
    """One backbone to one format, from a file of weights, in turn with the bare tools."""
    rows, ratios = [], []
    with tempfile.TemporaryDirectory() as folder:
        for name in BACKBONES:
            backbone = load_catalog().get(name)
            weights = _weights(backbone, Path(folder) / f"{name}.pdparams")
            for target in TARGETS:
                bare, ours = _in_turn(backbone, target, weights, Path(folder))
                ratio = statistics.median(b / a for a, b in zip(bare, ours, strict=True))
                ratios.append(ratio)
                medians = (f"{statistics.median(each):.2f}" for each in (bare, ours))
                rows.append((name, target.value, *medians, f"{ratio:.2f}"))
    return Section(
        title="Conversion of one backbone to one format",
        promise=f"at most {ONE_LIMIT:g} times the bare tools (export, then Paddle Lite's optimiser "
        "or paddle2onnx, each called by hand as a command), with the same weights and our checks "
        f"included; median ratio of {ROUNDS} rounds run in turn. An arm file takes its x86 twin "
        "and that one's check along.",
        header=("backbone", "target", "bare tools s", "edgerank s", "ratio"),
        rows=rows,
        holds=max(ratios) <= ONE_LIMIT,
    )


def run_tier() -> Section:
    """The mobile tier to three targets from empty caches, and the bare tools one after another."""
    backbones = select_tier(load_catalog(), Tier.MOBILE)
    with tempfile.TemporaryDirectory() as folder:
        state_dir = Path(folder)
        bare_s = {each.name: _bare_tools_s(each, _fetched(each, state_dir)) for each in backbones}
        taken = {name: seconds for name, seconds in bare_s.items() if seconds is not None}
        run = _convert_together(list(taken), state_dir)
    if isinstance(run, str):
        rows, holds = [("`edgerank convert`", run)], False
    else:
        ratio = run.wall_s * CORES / sum(taken.values())
        left_out = ", ".join(sorted(bare_s.keys() - taken)) or "none"
        rows = [
            ("bare tools, one after another", f"{sum(taken.values()):.0f} s"),
            ("`edgerank convert` of the same backbones, checks included", f"{run.wall_s:.0f} s"),
            ("against the bare tools' time divided by the cores", f"{ratio:.2f}"),
            ("peak resident memory of the controller", f"{run.peak_bytes / 1e6:.0f} MB"),
            ("files that edgerank did not make", run.not_made or "none"),
            ("backbones that a bare tool aborts on", left_out),
        ]
        holds = ratio <= TIER_LIMIT and run.peak_bytes < CONTROLLER_LIMIT_BYTES
    return Section(
        title="Conversion of the mobile tier",
        promise=f"the tier's {len(backbones)} backbones to three targets on {CORES} cores in at "
        f"most {TIER_LIMIT:g} times the bare tools' time divided by {CORES}; the controller itself "
        f"stays below {CONTROLLER_LIMIT_BYTES / 1e6:.0f} MB. Both sides read the same files of "
        "weights, fetched before; no artifact is there. Backbones that a bare tool aborts on are "
        "left out on both sides.",
        header=("what", "figure"),
        rows=rows,
        holds=holds,
    )


def _fetched(backbone: Backbone, state_dir: Path) -> Path:
    """Put calibrated weights where a controller keeps those that it has fetched."""
    folder = state_dir / "weights"
    folder.mkdir(exist_ok=True)
    source = published_address(backbone)
    path = folder / Path(source).name
    weights = _weights(backbone, path)
    record = {"source": source, "sha256": weights.digest, "size_bytes": weights.size_bytes}
    path.with_name(f"{path.name}.json").write_text(json.dumps(record))
    return path


def _bare_tools_s(backbone: Backbone, weights: Path) -> float | None:
    """Seconds of the export and all three tools, or None where one of them aborts."""
    try:
        return _bare_conversion_s(backbone, Target, weights)
    except subprocess.CalledProcessError:
        return None


def _weights(backbone: Backbone, path: Path) -> Weights:
    arguments = (backbone.architecture, str(backbone.input_size), str(path))
    command = [sys.executable, "-c", _SAVE_WEIGHTS, *arguments]
    subprocess.run(command, check=True, capture_output=True)
    size_bytes = path.stat().st_size
    digest = file_sha256(path)
    return Weights(
        WeightsKind.PRETRAINED, backbone.architecture, digest, str(path), path, size_bytes
    )


def _in_turn(
    backbone: Backbone, target: Target, weights: Weights, folder: Path
) -> tuple[list[float], list[float]]:
    path = weights.path
    assert path is not None
    bare, ours = [], []
    for _ in range(ROUNDS):
        bare.append(_bare_conversion_s(backbone, [target], path))
        with tempfile.TemporaryDirectory(dir=folder) as workdir:
            variants = [v for v in variants_of(backbone) if v.target is target]
            begin = time.perf_counter()
            (fate,) = convert(backbone, variants, weights, Path(workdir), lambda _: None)
            ours.append(time.perf_counter() - begin)
        assert isinstance(fate, Converted), fate
    return bare, ours


def _bare_conversion_s(backbone: Backbone, targets: Iterable[Target], weights: Path) -> float:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        seconds = bare_tools.export_s(
            backbone.architecture, backbone.input_size.height, weights, folder
        )
        return seconds + sum(bare_tools.convert_s(target, folder) for target in targets)


def _convert_together(names: Sequence[str], state_dir: Path) -> _TierRun | str:
    """Return what the command took, or one sentence when it could not convert."""
    with running_controller(state_dir) as (controller, address):
        begin = time.perf_counter()
        done = subprocess.run(
            [*EDGERANK, "convert", *names, "--controller", address],
            check=False,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        wall_s = time.perf_counter() - begin
        status = Path(f"/proc/{controller.process.pid}/status").read_text()
    said = " ".join(done.stderr.split())
    # Some networks of the tier are refused by a tool; how many is told beside the time.
    if done.returncode not in (0, 4):
        said = said or "it said nothing"
        return f"not measured, since it ended with exit code {done.returncode}: {said}"
    peak = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert peak is not None
    return _TierRun(wall_s, int(peak[1]) * 1024, said)
