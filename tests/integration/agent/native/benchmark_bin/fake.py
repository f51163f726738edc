"""A fake of Paddle Lite's `benchmark_bin`, which needs a build of Paddle Lite that is not here.

It computes with Paddle Lite's Python package, and takes and prints what the real one does in
versions 2.10 to 2.13: the flags of gflags, sections, times in ms with three decimals, usage and
code 0 for flags that do not fit.
"""

import sys
import sysconfig
import time
from pathlib import Path

import numpy as np

VERSION = "v2.12"


def main(arguments: list[str]) -> None:
    """Do what the flags say."""
    if arguments == ["--version"]:
        sys.stdout.write(f"benchmark_bin version {VERSION}\n")
        return
    flags = dict(each.removeprefix("--").split("=", 1) for each in arguments)
    if not flags.get("input_shape") or not flags.get("backend"):
        sys.stdout.write("Must set --input_shape option!\nNote: For example (Android):\n")
        return
    sys.stdout.write(_run(flags))


def _run(flags: dict[str, str]) -> str:
    from paddlelite import lite

    began = time.time()
    config = lite.MobileConfig()
    config.set_model_from_file(flags["optimized_model_file"])
    predictor = lite.create_paddle_predictor(config)
    init_ms = (time.time() - began) * 1e3
    shape = [int(axis) for axis in flags["input_shape"].split(",")]
    images = np.loadtxt(flags["input_data_path"], dtype=np.float32).reshape(shape)
    predictor.get_input(0).from_numpy(images)
    warmup, repeats = int(flags["warmup"]), int(flags["repeats"])
    times_ms = []
    for _ in range(warmup + repeats):
        began = time.time()
        predictor.run()
        # Cut to whole microseconds, as its timer does.
        times_ms.append(int((time.time() - began) * 1e6) / 1e3)
    return _page(predictor, flags, init_ms, times_ms[0], times_ms[warmup:])


def _page(
    predictor: object,
    flags: dict[str, str],
    init_ms: float,
    first_ms: float,
    times_ms: list[float],
) -> str:
    lines = ["", "======= Model Info =======", f"input_shape: {flags['input_shape']}"]
    names = predictor.get_output_names()  # type: ignore[attr-defined]
    lines.append(f"output tensor num: {len(names)}")
    for place in range(len(names)):
        output = np.array(predictor.get_output(place).numpy())  # type: ignore[attr-defined]
        lines += [f"--- output tensor {place} ---"]
        lines += ["output shape(NCHW): " + " ".join(map(str, output.shape))]
        lines += [f"output tensor {place} elem num: {output.size}"]
        if flags["show_output_elem"] == "true":
            lines += [f"out[{place}][{i}]:{value:g}" for i, value in enumerate(output.reshape(-1))]
    lines += ["", "======= Runtime Info =======", f"benchmark_bin version: {VERSION}"]
    lines += [f"threads: {flags['threads']}", f"repeats: {flags['repeats']}"]
    lines += ["", "======= Perf Info =======", "Time(unit: ms):"]
    told = (
        ("init ", init_ms),
        ("first", first_ms),
        ("min  ", min(times_ms)),
        ("max  ", max(times_ms)),
        ("avg  ", sum(times_ms) / len(times_ms)),
    )
    lines += [f"{name} = {ms:<12.3f}" for name, ms in told]
    return "\n".join(lines) + "\n\n"


def installed(folder: Path) -> Path:
    """The fake as a program in a folder."""
    program = folder / "benchmark_bin"
    # Not the environment's Python, which reads more than a measuring child may.
    python = Path(sys.executable).resolve()
    begins = f"import sys\nsys.path.append({sysconfig.get_path('purelib')!r})\n"
    program.write_text(f"#!{python}\n{begins}{Path(__file__).read_text(encoding='utf-8')}")
    program.chmod(0o755)
    return program


if __name__ == "__main__":
    main(sys.argv[1:])
