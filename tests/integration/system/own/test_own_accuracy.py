"""Own accuracy through the real commands: taken in whole, bound to its file, or refused."""

from pathlib import Path

from tests.integration.system.conftest import System
from tests.integration.system.own.bringing import csv, datasets, own_names, refused
from tests.own_networks import FIXED_SHAPE, onnx_network, quantised_network, save_onnx
from tests.processes import edgerank


def test_accuracy_stays_with_its_file_when_a_model_goes(
    system: System, address: str, tmp_path: Path
) -> None:
    first = save_onnx(onnx_network(FIXED_SHAPE), tmp_path / "first.onnx")
    other = save_onnx(onnx_network(), tmp_path / "other.onnx")

    def add(path: Path) -> None:
        add = ("models", "add", "Gone", "--onnx", str(path), "--input-size", "64")
        assert edgerank(*add, address=address).stdout

    def strayed() -> list[str]:
        names: list[str] = datasets(address)["gone"]["of_other_files"]
        return names

    add(first)
    file = csv(tmp_path / "gone.csv", "Gone,gone,top1,91.5,fp32,our own")
    assert edgerank("accuracy", "import", file, address=address).returncode == 0
    assert strayed() == []
    assert edgerank("models", "remove", "Gone", address=address).returncode == 0
    assert own_names(address) == []
    assert strayed() == ["Gone"]
    add(other)
    assert strayed() == ["Gone"]
    assert edgerank("models", "remove", "Gone", address=address).returncode == 0
    add(first)
    assert strayed() == []
    remove = ("models", "remove", "Gone", "--with-accuracy")
    assert edgerank(*remove, address=address).returncode == 0
    assert "named 'gone'" in refused(
        "best", "--device", "pc", "--accuracy", "gone", address=address
    )
    assert list((system.state_dir / "controller" / "weights" / "own").iterdir()) == []


def test_a_figure_that_nothing_is_ever_measured_for_says_so(address: str, tmp_path: Path) -> None:
    path = save_onnx(quantised_network(), tmp_path / "small.onnx")
    added = edgerank("models", "add", "Small", "--onnx", str(path), address=address)
    assert added.stdout.startswith("added Small (onnx, int8): 64 px"), added.stderr
    for precision, is_told in (("fp32", True), ("int8-static", False)):
        file = csv(tmp_path / "small.csv", f"Small,small,top1,90,{precision},ours")
        done = edgerank("accuracy", "import", file, address=address)
        assert done.stdout == "1 figure imported\n"
        again = edgerank("accuracy", "import", file, address=address)
        assert again.stdout == "1 figure imported, in place of an earlier one\n"
        assert ("row 2 counts for nothing: Small came quantised" in done.stderr) is is_told
    assert edgerank("models", "remove", "Small", "--with-accuracy", address=address).returncode == 0


def test_an_import_is_whole_or_nothing_and_replaces(address: str, tmp_path: Path) -> None:
    good = "PPLCNet_x1_0,leaves,top1,90,fp32,ours"
    half = csv(tmp_path / "half.csv", good, "PPLCNet_x1_00,leaves,top1,91,fp32,ours")
    said = refused("accuracy", "import", half, address=address)
    assert "half.csv: row 3, column name: no backbone is named 'PPLCNet_x1_00'; nearest:" in said
    assert "leaves" not in datasets(address)
    whole = csv(tmp_path / "whole.csv", good, "PPLCNet_x1_0,leaves,top5,99,int8-static,ours")
    for sentence in ("2 figures imported\n", "2 figures imported, 2 of them in place of earlier"):
        done = edgerank("accuracy", "import", whole, address=address)
        assert done.stdout.startswith(sentence)
    assert datasets(address)["leaves"] == {
        "name": "leaves",
        "backbone_count": 1,
        "figure_count": 2,
        "metrics": ["top1", "top5"],
        "precisions": ["fp32", "int8-static"],
        "input_sizes": [],
        "of_other_files": [],
    }


def test_a_file_that_is_too_large_or_missing_is_refused(address: str, tmp_path: Path) -> None:
    large = tmp_path / "large.csv"
    large.write_bytes(b"x" * 9_000_000)
    said = refused("accuracy", "import", str(large), address=address)
    assert "large.csv: it is larger than 8 MB" in said
    said = refused("accuracy", "import", str(tmp_path / "none.csv"), address=address)
    assert "none.csv: it cannot be read: No such file" in said


def test_an_unknown_dataset_gets_the_nearest(address: str) -> None:
    said = refused("best", "--device", "pc", "--accuracy", "imagenet-v2", address=address)
    assert "'imagenet-v2'; nearest: ImageNet-1k" in said


def test_any_name_of_imagenet_is_the_one_whose_published_figures_stay(
    address: str, tmp_path: Path
) -> None:
    published = csv(tmp_path / "published.csv", "MobileNetV1,imagenet,top1,70,fp32,lab")
    said = refused("accuracy", "import", published, address=address)
    assert "is published" in said
    unpublished = csv(tmp_path / "int8.csv", "MobileNetV1,imagenet,top1,70,int8,lab")
    done = edgerank("accuracy", "import", unpublished, address=address)
    assert (done.returncode, done.stdout) == (0, "1 figure imported\n")
    assert "imagenet is taken as ImageNet-1k" in done.stderr
    assert "imagenet" not in datasets(address)
    assert edgerank("export", str(tmp_path / "x.csv"), "--accuracy", "ilsvrc2012", address=address)


def test_a_table_of_timm_says_how_many_rows_are_of_a_backbone_here(
    address: str, tmp_path: Path
) -> None:
    table = tmp_path / "results-imagenet-real.csv"
    head = "model,top1,top1_err,img_size\n"
    table.write_text(f"{head}vit_giant.x,88,12,224\nMobileNetV1,78.1,21.9,224\n")
    done = edgerank("accuracy", "import", str(table), address=address)
    assert done.stdout.endswith(
        "with a backbone here: 1 of 2, taken as accuracy on imagenet-real\n"
    )
    assert datasets(address)["imagenet-real"]["figure_count"] == 1
    table.write_text(f"{head}vit_giant.x,88,12,224\n")
    done = edgerank("accuracy", "import", str(table), address=address)
    assert done.returncode == 3
    assert ": 0 of 1;" in done.stderr
