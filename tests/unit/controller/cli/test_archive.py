"""An archive of a Paddle model is unpacked as its files alone, or refused before it does harm."""

import io
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.cli.options.external import archive
from controller.cli.options.external.archive import unpacked
from controller.cli.options.external.paddle_layouts import paddle_files
from controller.domain.errors import EdgerankError, ErrorCode

MODEL = {"net_infer/inference.pdmodel": b"program", "net_infer/inference.pdiparams": b"numbers"}
TENSOR = bytes(12) + b"numbers"


def packed(path: Path, files: dict[str, bytes], *others: tarfile.TarInfo, mode: str = "w") -> Path:
    with tarfile.open(path, mode) as tar:  # type: ignore[call-overload]
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
        for other in others:
            tar.addfile(other)
    return path


def other(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, target
    return member


def contents(path: Path) -> list[bytes]:
    with paddle_files(path) as files:
        return [file.read_bytes() for file in files]


def refusal(path: Path) -> str:
    with pytest.raises(EdgerankError) as refused:
        contents(path)
    assert refused.value.code is ErrorCode.INVALID_INPUT
    return str(refused.value)


@pytest.mark.parametrize(("suffix", "mode"), [(".tar", "w"), (".tar.gz", "w:gz"), (".tgz", "w:gz")])
def test_a_model_comes_out_of_its_archive(tmp_path: Path, suffix: str, mode: str) -> None:
    path = packed(tmp_path / f"net{suffix}", MODEL, mode=mode)
    assert contents(path) == [b"program", b"numbers"]


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"__model__": b"program", "__params__": b"numbers"}, [b"program", b"numbers"]),
        ({"./a/model": b"program", "./a/params": b"numbers"}, [b"program", b"numbers"]),
        (
            {"a/__model__": b"program", "a/conv.b": TENSOR, "a/conv.w": TENSOR},
            [b"program", TENSOR * 2],
        ),
        # As macOS packs it.
        (
            MODEL | {f"net_infer/._{Path(name).name}": b"x" for name in MODEL},
            [b"program", b"numbers"],
        ),
    ],
)
def test_every_layout_may_be_packed(
    tmp_path: Path, files: dict[str, bytes], expected: list[bytes]
) -> None:
    assert contents(packed(tmp_path / "net.tar", files)) == expected


@pytest.mark.parametrize(
    ("members", "token"),
    [
        ([other("a/inference.pdmodel", tarfile.SYMTYPE, "/etc/passwd")], "a link"),
        ([other("a/inference.pdmodel", tarfile.LNKTYPE, "net_infer/x")], "a link"),
        ([other("pipe", tarfile.FIFOTYPE)], "a link or a device"),
        ([other("device", tarfile.CHRTYPE)], "a link or a device"),
        ([other("../outside", tarfile.REGTYPE)], "leads out"),
        ([other("/etc/outside", tarfile.REGTYPE)], "leads out"),
        ([other("a\\..\\b", tarfile.REGTYPE)], "leads out"),
        ([other("/".join("abcdefghi"), tarfile.REGTYPE)], "7 folders"),
    ],
)
def test_what_is_no_plain_file_inside_is_refused(
    tmp_path: Path, members: list[tarfile.TarInfo], token: str
) -> None:
    path = packed(tmp_path / "net.tar", MODEL, *members)
    said = refusal(path)
    assert token in said
    assert said.endswith("; no model was added")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["net.tar"]


def test_size_and_number_of_entries_are_limited(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Told by its header, before a byte of it is read.
    huge = tarfile.TarInfo("net_infer/inference.pdmodel")
    huge.size = 3_000_000_000
    (tmp_path / "huge.tar").write_bytes(huge.tobuf() + bytes(1024))
    assert "has 3.0 GB" in refusal(tmp_path / "huge.tar")
    monkeypatch.setattr(archive, "MAX_MEMBERS", 2)
    many = MODEL | {"net_infer/more": b""}
    assert "more than 2 entries" in refusal(packed(tmp_path / "many.tar", many))


def test_what_has_no_one_program_is_refused(tmp_path: Path) -> None:
    twice = MODEL | {f"other/{Path(name).name}": b"x" for name in MODEL}
    assert "(net_infer, other)" in refusal(packed(tmp_path / "twice.tar", twice))
    pir = {"net/inference.json": b"{}", "net/inference.pdiparams": b"numbers"}
    assert "FLAGS_enable_pir_api=0" in refusal(packed(tmp_path / "pir.tar", pir))
    (tmp_path / "text").write_text("no archive")
    assert " is no folder;" in refusal(tmp_path / "text")
    # What a browser keeps of a download that was none.
    (tmp_path / "net.tar").write_text("<!doctype html><title>404</title>")
    assert "net.tar is a web page; download the file itself;" in refusal(tmp_path / "net.tar")


@given(cut=st.integers(0, 10_239), junk=st.binary(max_size=600))
def test_a_damaged_archive_is_unpacked_or_refused(
    tmp_path_factory: pytest.TempPathFactory, cut: int, junk: bytes
) -> None:
    folder = tmp_path_factory.mktemp("damaged")
    path = packed(folder / "net.tar", MODEL)
    path.write_bytes(path.read_bytes()[:cut] + junk)
    code = None
    try:
        with unpacked(path):
            code = ErrorCode.INVALID_INPUT
    except EdgerankError as error:
        code = error.code
    assert code is ErrorCode.INVALID_INPUT
