"""Children: however one ends, the parent gets an answer or a reason in one sentence."""

from __future__ import annotations

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from models.processes.child import (
    Cancellation,
    ConversionCancelled,
    SpawnedChild,
    StepFailed,
    StepLimits,
    ask,
    run_step,
)
from models.processes.requests import FileAnswer, OnnxRequest

REQUEST = OnnxRequest("program", 14, "model.onnx")


def run(
    code: str,
    workdir: Path,
    timeout_s: float = 60,
    cancellation: Cancellation | None = None,
) -> FileAnswer:
    """Run a step that is the given code."""
    return run_step(
        "step",
        REQUEST,
        FileAnswer,
        workdir=workdir,
        limits=StepLimits(timeout_s=timeout_s),
        cancellation=cancellation or Cancellation(),
        command=(sys.executable, "-c", code),
    )


def reason(code: str, workdir: Path, timeout_s: float = 60) -> str:
    with pytest.raises(StepFailed) as caught:
        run(code, workdir, timeout_s)
    assert caught.value.step == "step"
    assert "\n" not in caught.value.reason
    return caught.value.reason


def test_a_child_gets_the_request_and_its_answer_comes_back(tmp_path: Path) -> None:
    code = (
        "import json, sys; asked = json.load(sys.stdin);"
        "print(json.dumps({'done': {'size_bytes': asked['opset']}}))"
    )
    assert run(code, tmp_path) == FileAnswer(size_bytes=14)


def test_a_milestone_is_told_before_the_answer(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "told")
    # The child answers only when its milestone was heard.
    code = (
        "import sys; from models.processes.requests import MILESTONE;"
        "sys.stdout.buffer.write(MILESTONE); sys.stdout.flush(); open('told').read();"
        'print(\'{"done": {"size_bytes": 1}}\')'
    )

    def hear() -> None:
        (tmp_path / "told").write_text("yes")

    answer = ask(
        "step",
        REQUEST,
        FileAnswer,
        start=lambda stderr: SpawnedChild([sys.executable, "-c", code], stderr, tmp_path),
        timeout_s=60,
        cancellation=Cancellation(),
        on_milestone=hear,
    )
    assert answer == FileAnswer(size_bytes=1)


def test_a_refusal_is_the_reason(tmp_path: Path) -> None:
    assert reason('print(\'{"refused": "no room"}\')', tmp_path) == "no room"


def test_a_tool_that_gave_nothing_is_quoted(tmp_path: Path) -> None:
    code = (
        "import sys; print('operator set_value is not supported', file=sys.stderr);"
        'print(\'{"refused": "no model", "see_stderr": true}\')'
    )
    expected = "no model, its last words: operator set_value is not supported"
    assert reason(code, tmp_path) == expected


def test_a_crash_names_the_signal_and_the_last_words(tmp_path: Path) -> None:
    code = (
        "import os, sys;"
        "said = '[F 11/24 14:32:46.266 ...-Lite/lite/op.cc:118 Load] Check failed: op relu6.';"
        "print(said, file=sys.stderr, flush=True);"
        "print('--------------', file=sys.stderr, flush=True);"
        "os.kill(os.getpid(), 11)"
    )
    expected = "the child died by SIGSEGV, its last words: Check failed: op relu6"
    assert reason(code, tmp_path) == expected


def test_all_that_was_said_is_kept_beside_its_useful_part(tmp_path: Path) -> None:
    code = "import sys; print('frame 1\\nno kernel', file=sys.stderr); sys.exit(3)"
    with pytest.raises(StepFailed) as caught:
        run(code, tmp_path)
    assert caught.value.said == "frame 1\nno kernel"
    refusing = 'print(\'{"refused": "no", "said": "a.cc:1 no"}\')'
    with pytest.raises(StepFailed) as caught:
        run(refusing, tmp_path)
    assert (caught.value.reason, caught.value.said) == ("no", "a.cc:1 no")


def test_an_abort_that_says_nothing_is_named(tmp_path: Path) -> None:
    told = reason("import os; os.abort()", tmp_path)
    assert told.endswith(" SIGABRT, saying nothing")


def test_an_exception_is_told_by_its_last_line(tmp_path: Path) -> None:
    told = reason("raise ValueError('no operator')", tmp_path)
    assert " code 1, " in told
    assert told.endswith(": ValueError: no operator")


def test_a_child_that_hangs_is_stopped_with_all_that_it_started(tmp_path: Path) -> None:
    code = (
        "import pathlib, subprocess, sys, time;"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']);"
        "pathlib.Path('grandchild').write_text(str(child.pid));"
        "time.sleep(600)"
    )
    assert " after 5 s," in reason(code, tmp_path, timeout_s=5)
    grandchild = int((tmp_path / "grandchild").read_text())
    try:
        psutil.Process(grandchild).wait(timeout=30)
    except psutil.NoSuchProcess:
        return


def test_what_a_killed_child_had_for_a_while_is_in_its_folder(tmp_path: Path) -> None:
    code = "import os, tempfile; tempfile.mkdtemp(prefix='while.'); os.kill(os.getpid(), 9)"
    assert " died by SIGKILL," in reason(code, tmp_path)
    assert len(list(tmp_path.glob("while.*"))) == 1


def test_a_child_that_ends_well_leaves_nothing_that_runs(tmp_path: Path) -> None:
    fifo = tmp_path / "alive"
    os.mkfifo(fifo)
    # The grandchild alone holds the writing end: reading ends when it does.
    grandchild = "import time; alive = open('alive', 'w'); print('up', flush=True); time.sleep(90)"
    code = (
        "import subprocess, sys;"
        f"started = subprocess.Popen([sys.executable, '-c', {grandchild!r}], stdout=-1);"
        "started.stdout.readline();"
        'print(\'{"done": {"size_bytes": 1}}\')'
    )
    with ThreadPoolExecutor(1) as pool:
        lived = pool.submit(fifo.read_text)
        assert run(code, tmp_path) == FileAnswer(size_bytes=1)
        assert lived.result(timeout=30) == ""


def test_a_child_that_reads_no_request_is_told_by_how_it_ended(tmp_path: Path) -> None:
    with pytest.raises(StepFailed, match="with code 3,"):
        run_step(
            "step",
            OnnxRequest("program" * 100_000, 14, "model.onnx"),
            FileAnswer,
            workdir=tmp_path,
            limits=StepLimits(timeout_s=60),
            cancellation=Cancellation(),
            command=(sys.executable, "-c", "import os; os._exit(3)"),
        )


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("pass", "the child exited without an answer, saying nothing"),
        ("print('W0101 loading')", "the child answered with no JSON: 'W0101 loading"),
        ("print('[1]')", "the child's answer is of another form"),
        ("print('{}')", "the child's answer is of another form"),
        ('print(\'{"done": {"size": 1}}\')', "the child's answer is of another form"),
        (
            "import sys; sys.stdout.buffer.write(bytes(range(128, 256)))",
            "the child answered with no JSON",
        ),
    ],
)
def test_rubbish_is_no_answer(code: str, expected: str, tmp_path: Path) -> None:
    assert reason(code, tmp_path).startswith(expected)


def test_megabytes_of_noise_neither_block_nor_lengthen_the_reason(tmp_path: Path) -> None:
    code = "import sys; sys.stderr.write('x' * 5_000_000); sys.exit(3)"
    told = reason(code, tmp_path)
    assert " with code 3," in told
    assert len(told) < 400


def test_cancelling_ends_a_running_child_and_forbids_more(tmp_path: Path) -> None:
    fifo = tmp_path / "running"
    os.mkfifo(fifo)
    cancellation = Cancellation()
    code = "import time; open('running', 'w').write('yes'); time.sleep(600)"
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(run, code, tmp_path, 600, cancellation)
        assert fifo.read_text() == "yes"
        cancellation.cancel()
        with pytest.raises(ConversionCancelled):
            future.result(timeout=60)
    assert cancellation.cancelled
    with pytest.raises(ConversionCancelled):
        run('print(\'{"done": {"size_bytes": 1}}\')', tmp_path, cancellation=cancellation)


def test_steps_run_side_by_side_in_threads(tmp_path: Path) -> None:
    # Each waits for the other through a pair of pipes: run in turn, they would never end.
    for name in ("a", "b"):
        os.mkfifo(tmp_path / name)
    write_a = "open('a', 'w').write('x'); open('b').read();"
    write_b = "open('a').read(); open('b', 'w').write('x');"
    answer = 'print(\'{"done": {"size_bytes": 1}}\')'
    with ThreadPoolExecutor(2) as pool:
        futures = [pool.submit(run, code + answer, tmp_path) for code in (write_a, write_b)]
        assert [future.result(timeout=60).size_bytes for future in futures] == [1, 1]


def test_a_real_step_beyond_its_memory_dies_alone(tmp_path: Path) -> None:
    with pytest.raises(StepFailed, match=r"child (exited|died)"):
        run_step(
            "parity_onnx",
            REQUEST,
            FileAnswer,
            workdir=tmp_path,
            limits=StepLimits(memory_bytes=1024 * 1024),
            cancellation=Cancellation(),
        )


def test_a_child_that_writes_without_end_is_stopped(tmp_path: Path) -> None:
    told = reason("import os\nwhile True: os.write(1, b'x' * 65536)", tmp_path)
    assert "SIGKILL" in told
