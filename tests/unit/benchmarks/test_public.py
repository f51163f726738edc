"""The table of published models is whole: each file once, pinned by its digest."""

import re

from tests.benchmarks.public.fetching import read_models

SHA256 = re.compile(r"[0-9a-f]{64}")


def test_each_published_model_is_there_once_and_pinned() -> None:
    models = read_models()
    assert len({model.sha256 for model in models}) == len(models)
    for model in models:
        assert model.registry in ("pypi", "npm")
        assert SHA256.fullmatch(model.sha256)
        assert bool(model.beside) == bool(SHA256.fullmatch(model.beside_sha256))
        assert re.fullmatch(r"(\d+(x\d+)?)?", model.input_size)


def test_a_packages_rows_stand_together() -> None:
    packages = [model.package for model in read_models()]
    runs = [
        name for name, before in zip(packages, [None, *packages], strict=False) if name != before
    ]
    assert len(runs) == len(set(packages))
