"""What a person types is read exactly, or refused with what would be right."""

from collections.abc import Callable

import pytest

from controller.cli.options import (
    read_backbones,
    read_batches,
    read_devices,
    read_included,
    read_input_sizes,
    read_percentage,
    read_precisions,
    read_runtimes,
    read_threads,
    read_tier,
)
from controller.domain import Runtime, Verdict
from controller.errors import EdgerankError
from models.catalog import load_catalog
from models.tiers import Tier, select_tier

CATALOG = load_catalog()


def test_names_and_tiers_mix_and_each_backbone_comes_once() -> None:
    mobile = [backbone.name for backbone in select_tier(CATALOG, Tier.MOBILE)]
    chosen = [b.name for b in read_backbones(f"MobileNetV1, tier:mobile,{mobile[0]}", CATALOG)]
    assert chosen == ["MobileNetV1", *mobile]


def test_lists_are_read() -> None:
    assert read_devices("all") == ()
    assert read_devices("a, b,a") == ("a", "b")
    assert read_threads("1,2,1") == (1, 2)
    assert read_input_sizes("192, 256") == (192, 256)
    assert read_batches("4") == (4,)
    assert read_precisions("int8-static,fp16,fp16") == ("int8-static", "fp16")
    assert read_precisions("all") == ("fp32", "fp16", "int8-dynamic", "int8-static")
    assert read_runtimes("onnxruntime") == (Runtime.ONNXRUNTIME,)
    assert read_percentage("1.5%") == pytest.approx(0.015)
    assert read_included("unstable, noisy,unstable") == (Verdict.NOISY, Verdict.UNSTABLE)


@pytest.mark.parametrize(
    ("read", "text", "sentence"),
    [
        (read_threads, "0", "write them as 1 or 1,2,4"),
        (read_threads, "two", "write them as 1 or 1,2,4"),
        (read_threads, "-1", "write them as 1 or 1,2,4"),
        (read_threads, "9" * 5000, "are no thread counts from 1 to 256"),
        (read_input_sizes, "1025", "are no input sizes from 1 to 1024"),
        (read_batches, "1,65", "are no batches from 1 to 64"),
        (read_precisions, "int4", "no precision is named 'int4'; there are fp32, fp16"),
        (read_runtimes, "tflite", "there are paddlelite, onnxruntime"),
        (read_included, "failed", "there are noisy, unstable, throttled"),
        (read_included, "hot", "'hot' is no verdict that can be included"),
        (read_tier, "phone", "there are mobile, desktop, server"),
        (read_percentage, "2", "write it as 2%"),
        (read_percentage, "x%", "write it as 2%"),
        (read_devices, ",", "the list is empty"),
    ],
)
def test_what_cannot_be_read_says_how_to_write_it(
    read: Callable[[str], object], text: str, sentence: str
) -> None:
    with pytest.raises(EdgerankError, match=sentence):
        read(text)
