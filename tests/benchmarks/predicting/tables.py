"""Figures by setting, published ones and those of our survey: what predictions are tried on."""

import csv
import io
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from statistics import median

from models.catalog.catalog import load_catalog
from models.catalog.features import NetworkFeatures, load_features
from tests.benchmarks.predicting.survey.table import Row, Table

SURVEYED = "this machine"
"""What the device is called that `make survey` measured."""

LEAST = 8
"""Networks that a setting has at least."""


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """What networks took, or held, in one setting of one build of a runtime.

    Attributes:
        device: whose it is; all of its settings are left out together.
        setting: the rest of its name.
        values: ms by network, of `peaks` bytes.
    """

    device: str
    setting: str
    values: Mapping[str, float]

    @property
    def name(self) -> str:
        """Unique among recorded settings."""
        return f"{self.device}, {self.setting}"


def reference() -> tuple[list[Recorded], dict[str, NetworkFeatures]]:
    """Latencies of the catalog's networks, one of each architecture, and what these do.

    Published ones, and those of the survey.

    Weights of one architecture take the same time: with two of them, one would tell the other.
    """
    networks = {each.name: (each.architecture, each.input_size.height) for each in load_catalog()}
    found: defaultdict[tuple[str, str], defaultdict[str, list[float]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for row in _rows("reference_latency.csv"):
        name = _name(networks[row["name"]])
        found[row["device"], _setting(row)][name].append(float(row["latency_ms"]))
    for surveyed in Table().rows:
        name = _name(networks[surveyed.backbone])
        found[SURVEYED, _surveyed_setting(surveyed)][name].extend(surveyed.steady_ms)
    features = {_name(network): does for network, does in load_features().items()}
    return _recorded(found), features


def peaks() -> list[Recorded]:
    """Peak memory above the bare runtime, bytes, of the survey's networks in each setting."""
    networks = {each.name: (each.architecture, each.input_size.height) for each in load_catalog()}
    found: defaultdict[tuple[str, str], dict[str, list[float]]] = defaultdict(dict)
    for surveyed in Table().rows:
        if surveyed.peak_rss_bytes:
            name = _name(networks[surveyed.backbone])
            found[SURVEYED, _surveyed_setting(surveyed)][name] = [surveyed.peak_rss_bytes]
    return _recorded(found)


def phones(precision: str) -> list[Recorded]:
    """Latencies of classifiers on phones and boards; nothing is known of what they do.

    Args:
        precision: as the file names it: "float", "w8a8", "w8a16".
    """
    found: defaultdict[tuple[str, str], defaultdict[str, list[float]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for row in _rows("phone_latency.csv"):
        if row["precision"] == precision:
            found[row["device"], row["runtime"]][row["model"]].append(float(row["latency_ms"]))
    return _recorded(found)


def _recorded(
    found: Mapping[tuple[str, str], Mapping[str, list[float]]],
) -> list[Recorded]:
    return [
        Recorded(
            device=device,
            setting=setting,
            values={name: median(figures) for name, figures in sorted(values.items()) if figures},
        )
        for (device, setting), values in sorted(found.items())
        if sum(map(bool, values.values())) >= LEAST
    ]


def _surveyed_setting(row: Row) -> str:
    return f"{row.runtime.value}, {row.threads} threads"


def _setting(row: Mapping[str, str]) -> str:
    told = [row["runtime"] or "unnamed runtime", row["precision"] or "unnamed precision"]
    told += [f"{row['threads']} threads"] if row["threads"] else []
    told += [f"batch {row['batch']}"] if row["batch"] else []
    # Figures of a GPU are of several builds, which only the document tells apart.
    if row["device"] in ("V100", "T4"):
        told.append(_generation(row["source"]))
    return ", ".join(told)


def _generation(source: str) -> str:
    if "model_list.md" in source:
        return "2022"
    return "2023" if "ImageNet1k/" in source else "older"


def _name(network: tuple[str, int]) -> str:
    return f"{network[0]} at {network[1]} px"


def _rows(file: str) -> Iterator[dict[str, str]]:
    text = (resources.files("models") / "data" / file).read_text(encoding="utf-8")
    return csv.DictReader(io.StringIO(text))
