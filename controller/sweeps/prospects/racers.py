"""Who races: whether all that raced in an earlier sweep race again, and who races besides."""

from collections.abc import Mapping
from typing import NamedTuple

from controller.domain.sweeps import SweepSpec
from models.catalog.catalog import Catalog, UnknownBackbone
from models.catalog.precisions import Precision
from models.catalog.variants import Target, precisions_of
from protos.inputs import ImageSize
from protos.runtimes import Runtime


class _Files(NamedTuple):
    """What races of a backbone: each of these with each."""

    precisions: frozenset[Precision]
    input_sizes: frozenset[ImageSize]
    batches: frozenset[int]


class _Who(NamedTuple):
    """Everything that makes a job of its own: each of these with each."""

    backbones: Mapping[str, _Files]
    runtimes: frozenset[Runtime]
    threads: frozenset[int]
    accelerators: frozenset[Target]

    def is_among(self, others: "_Who") -> bool:
        """Whether all of these are there, too."""
        return (
            self.runtimes <= others.runtimes
            and self.threads <= others.threads
            and self.accelerators <= others.accelerators
            and self.backbones.keys() <= others.backbones.keys()
            and all(
                mine <= those
                for name, files in self.backbones.items()
                for mine, those in zip(files, others.backbones[name], strict=True)
            )
        )


class AskedNow:
    """What is asked for now, beside what earlier sweeps were asked for: each is looked at once.

    Attributes:
        spec: what is asked for.
    """

    def __init__(self, spec: SweepSpec, catalog: Catalog) -> None:
        """`catalog` tells what backbones are measured in where nothing is said."""
        self.spec = spec
        self._catalog = catalog
        self._known: dict[int, tuple[SweepSpec, _Who]] = {}

    def has_all_of(self, before: SweepSpec) -> bool:
        """Whether all that raced in an earlier sweep race again."""
        return self._of(before).is_among(self._of(self.spec))

    def has_none_but(self, before: SweepSpec) -> bool:
        """Whether nobody races that did not race in an earlier sweep."""
        return self._of(self.spec).is_among(self._of(before))

    def _of(self, spec: SweepSpec) -> _Who:
        # The figures of a sweep share what it was asked for, which is kept so that no other one
        # takes its id.
        known = self._known.get(id(spec))
        if known is None:
            known = self._known[id(spec)] = (spec, _who(spec, self._catalog))
        return known[1]


def _who(spec: SweepSpec, catalog: Catalog) -> _Who:
    backbones = {name: _files(name, spec, catalog) for name in spec.backbones}
    return _Who(
        backbones={name: files for name, files in backbones.items() if files.precisions},
        runtimes=frozenset(spec.runtimes or Runtime),
        threads=frozenset(spec.threads),
        accelerators=frozenset(spec.accelerators),
    )


def _files(name: str, spec: SweepSpec, catalog: Catalog) -> _Files:
    precisions, sizes, batches = set(spec.precisions), set(spec.input_sizes), set(spec.batches)
    try:
        known = catalog.get(name)
    except UnknownBackbone:
        # A person's own that was there then, and cannot race now.
        precisions = precisions or {Precision.FP32}
    else:
        precisions = precisions & precisions_of(known) if precisions else {known.precision}
        sizes, batches = sizes or {known.input_size}, batches or {known.batch}
    return _Files(frozenset(precisions), frozenset(sizes), frozenset(batches))
