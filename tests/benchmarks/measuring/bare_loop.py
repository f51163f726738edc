"""A loop as a person would write it, knowing nothing of edgerank: prints each latency in ns.

Run as: python bare_loop.py RUNTIME ARTIFACT THREADS SIZE SEED COUNT
"""

import ctypes
import json
import sys
import time
from pathlib import Path

import numpy as np

WARMUP = 5


def main() -> None:
    """Times COUNT inferences after a warm-up."""
    runtime, artifact, threads, size, seed, count = sys.argv[1:]
    shape = (1, 3, int(size), int(size))
    array = np.random.default_rng(int(seed)).standard_normal(shape, dtype=np.float32)
    latencies_ns = []
    if runtime == "onnxruntime":
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = int(threads)
        session = onnxruntime.InferenceSession(artifact, options)
        feed = {session.get_inputs()[0].name: array}
        for _ in range(WARMUP):
            session.run(None, feed)
        for _ in range(int(count)):
            begin = time.perf_counter_ns()
            session.run(None, feed)
            latencies_ns.append(time.perf_counter_ns() - begin)
    else:
        from paddlelite import lite

        config = lite.MobileConfig()
        config.set_model_from_file(artifact)
        predictor = lite.create_paddle_predictor(config)
        libraries = Path(lite.__file__).parent / "libs"
        mkl = ctypes.CDLL(str(libraries / "libmklml_intel.so"))
        # Without this the library takes fewer threads where it thinks that they do not pay.
        mkl.MKL_Set_Dynamic(0)
        mkl.MKL_Set_Num_Threads(int(threads))
        predictor.get_input(0).from_numpy(array)
        for _ in range(WARMUP):
            predictor.run()
        for _ in range(int(count)):
            begin = time.perf_counter_ns()
            predictor.run()
            latencies_ns.append(time.perf_counter_ns() - begin)
    print(json.dumps(latencies_ns))  # noqa: T201


if __name__ == "__main__":
    main()
