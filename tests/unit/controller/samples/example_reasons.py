"""A reason of every code, with figures that tests of the rules know, and more where words vary."""

from typing import Final

from protos.reasons import Reason, ReasonCode, reason

_IN_SECOND = {"repetition": 2, "repetitions": 3}
_WIDTH = {"reached": 0.034, "wanted": 0.02}
_BESIDE_ITSELF = {"low_ms": 4.9, "high_ms": 5.3, "winner_low_ms": 4.8, "winner_high_ms": 5.2}
_PC, _PHONE, _BOARD = {"device": "pc"}, {"device": "phone"}, {"device": "board"}


def _beside(top1: float, other_top1: float, ms: float, other_ms: float) -> dict[str, float]:
    return {
        "top1_percent": top1,
        "other_top1_percent": other_top1,
        "median_ms": ms,
        "other_median_ms": other_ms,
    }


_MEASURING = (
    reason(ReasonCode.LATENCY_SHIFTED, change=0.5, after_share=0.25, **_IN_SECOND),
    reason(ReasonCode.LATENCY_SHIFTED, change=-0.18, after_share=0.49, **_IN_SECOND),
    reason(ReasonCode.MEMORY_GREW, grown_bytes=30_000_000, **_IN_SECOND),
    reason(ReasonCode.CORES_SHARED, share=0.42),
    reason(ReasonCode.CLOCK_SET, step_ms=3_600_000, **_IN_SECOND),
    reason(ReasonCode.CLOCK_SET, step_ms=-3_600_000, **_IN_SECOND),
    reason(
        ReasonCode.THROTTLING_COUNTED,
        {"counter": "cpu0 core_throttle_count"},
        count=2,
        **_IN_SECOND,
    ),
    reason(ReasonCode.QUOTA_ENDED, count=12, periods=40, **_IN_SECOND),
    reason(ReasonCode.LIMIT_IN_FORCE, {"limit": "cooling_device1:thermal-cpufreq-2"}, **_IN_SECOND),
    reason(ReasonCode.CLOCK_FELL, cpu=4, from_khz=2_840_000, to_khz=1_770_000, **_IN_SECOND),
    reason(ReasonCode.DEVICE_DRIFTED, slowdown=0.3),
    reason(ReasonCode.RUNTIME_CHANGED, {"runtime": "onnxruntime", "versions": "1.22.0 and 1.23.2"}),
    reason(ReasonCode.STARTS_MISSED, count=1, deadline_ms=60_000),
    reason(ReasonCode.STARTED_UNREADY, count=3, repetitions=3),
    reason(ReasonCode.STARTED_UNREADY, count=1, repetitions=1),
    reason(ReasonCode.UNREADY_LEFT_OUT, count=1, repetitions=3),
    reason(ReasonCode.SHIFTED_LEFT_OUT, count=1, repetitions=8),
    reason(ReasonCode.UNWATCHED, count=2, repetitions=3),
    reason(ReasonCode.STILL_MEASURED, repetitions=1),
    reason(ReasonCode.ONE_PROCESS),
    reason(ReasonCode.MEANS_ONLY, inferences=120),
    reason(ReasonCode.WARMUP_UNSETTLED, count=1, repetitions=3),
    reason(ReasonCode.LOST_RACE, {"standing": "dominated", "other": "PPLCNet_x1_0"}, repetitions=1),
    reason(
        ReasonCode.LOST_RACE,
        {"standing": "dominated", "other": "PPLCNet_x1_0", "precision": "int8-dynamic"},
        repetitions=1,
    ),
    reason(ReasonCode.LOST_RACE, {"standing": "over_limit", "other": ""}, repetitions=2),
    reason(ReasonCode.LOST_RACE, {"standing": "outclassed", "other": ""}, repetitions=1),
    reason(ReasonCode.RACE_UNDECIDED, repetitions=3),
    reason(ReasonCode.OUTPUTS_UNCHECKED, count=2, repetitions=3),
    reason(ReasonCode.REPETITIONS_DISAGREE, least_ms=4.1, most_ms=4.52, reached=0.1, wanted=0.02),
    reason(ReasonCode.TIME_BUDGET_ENDED, **_WIDTH),
    reason(ReasonCode.NOISE_STAYS, **_WIDTH),
    reason(ReasonCode.FEW_REPETITIONS, repetitions=2, **_WIDTH),
    reason(ReasonCode.SAMPLES_SPREAD, **_WIDTH),
)
_FAILING = (
    reason(ReasonCode.ARTIFACT_BROKEN, {"detail": "its SHA-256 is another"}),
    reason(ReasonCode.ARTIFACT_DAMAGED, {"detail": "artifact 5f3a arrived with other bytes"}),
    reason(ReasonCode.NO_RUNTIME, {"detail": "this device has no paddlelite"}),
    reason(ReasonCode.RUNTIME_ERROR, {"detail": "no such operator"}),
    reason(ReasonCode.CRASHED, {"detail": "the child died by SIGSEGV"}),
    reason(ReasonCode.TIMED_OUT, {"detail": "no answer for 60 s"}),
    reason(ReasonCode.DEVICE_HUNG, {"detail": "the phone A1 hung 3 times in a row"}),
    reason(ReasonCode.RUBBISH, {"detail": "the child said 'hello'"}),
    reason(ReasonCode.OUT_OF_MEMORY, {"detail": "the child died by SIGKILL"}),
    reason(ReasonCode.ATTEMPT_CANCELLED, {"detail": "the sweep was cancelled"}),
    reason(ReasonCode.NOT_READY, deadline_ms=60_000),
    reason(ReasonCode.AGENT_VANISHED, attempts=3),
    reason(ReasonCode.NEVER_REPORTED, attempts=3),
    reason(ReasonCode.FAILED_IN_A_ROW, backbones=5),
    reason(ReasonCode.REPORTS_NOTHING, attempts=3),
    reason(ReasonCode.NO_ARTIFACT, {"detail": "export: the child died by SIGKILL"}),
    reason(ReasonCode.NO_ARTIFACT, {"detail": "onnx: no kernel", "log_id": "3fa9c1d2"}),
    reason(
        ReasonCode.WEIGHTS_UNAVAILABLE,
        {"detail": "the published weights of VGG11 are not available: no network"},
    ),
    reason(ReasonCode.JOB_UNREADABLE, {"detail": "settings"}),
    reason(ReasonCode.CONTROLLER_DEFECT),
    reason(ReasonCode.NOTHING_TOLD),
    reason(ReasonCode.PROFILE_FAILED, {"backbone": "MobileNetV1", "device": "pc"}),
    reason(ReasonCode.WRONG_OUTPUT, inputs=4),
    reason(
        ReasonCode.OUTPUT_BEYOND_TOLERANCE,
        difference=0.3141,
        l2_difference=0.22,
        tolerance=1.084e-4,
    ),
    reason(ReasonCode.OUTPUT_NOT_FINITE, share=0.125),
    reason(ReasonCode.OUTPUT_CONSTANT),
    reason(ReasonCode.OUTPUT_OF_OTHER_SHAPE),
    reason(ReasonCode.BATTERY_LOW, charge_percent=12, least_percent=20),
    reason(ReasonCode.PROCESSOR_WARM, celsius=71.26, limit_celsius=60),
    reason(ReasonCode.PROCESSOR_ABOVE_REST, celsius=71.26, limit_celsius=66.4),
    reason(ReasonCode.CORES_TAKEN, load_by_others=1.27, most=0.5),
)
_RANKING = (
    reason(ReasonCode.LATENCY_OVER_LIMIT, low_ms=29, high_ms=31, limit_ms=20),
    reason(ReasonCode.LATENCY_CROSSES_LIMIT, low_ms=18.9, high_ms=20.9, limit_ms=20),
    reason(ReasonCode.MEMORY_UNKNOWN),
    reason(ReasonCode.MEMORY_OVER_LIMIT, peak_rss_bytes=40_000_000, limit_bytes=30_000_000),
    reason(ReasonCode.TOP1_UNDER_LIMIT, top1_percent=75, limit_percent=75.5),
    reason(
        ReasonCode.FIGURE_BEYOND_LIMIT,
        {"criterion": "p99", "bound": "at_most"},
        figure=31.2,
        limit=30,
    ),
    reason(ReasonCode.FIGURE_UNKNOWN, {"criterion": "params"}),
    reason(ReasonCode.OF_OTHER_SERIES, {"series": "ReXNet", "wanted": "MobileNetV3, PPLCNet"}),
    reason(ReasonCode.WEIGHTS_OF_OTHER_KIND, {"criterion": "distilled", "is": "yes"}),
    reason(ReasonCode.WEIGHTS_OF_OTHER_KIND, {"criterion": "extra_data", "is": "no"}),
    reason(ReasonCode.KIND_UNKNOWN, {"criterion": "distilled"}),
    reason(ReasonCode.NOT_IN_CATALOG, {"tier": "mobile"}),
    reason(
        ReasonCode.OUTSIDE_TIER,
        {"tier": "mobile", "detail": "9 G multiply-adds are not below 2 G"},
    ),
    reason(ReasonCode.SURPASSED_IN_SERIES, {"tier": "desktop"}),
    reason(ReasonCode.DOMINATED, {"other": "m1"}, **_beside(75, 77, 9, 5)),
    reason(ReasonCode.DOMINATED, {"other": "m1"}, **_beside(75, 75, 9, 5)),
    reason(ReasonCode.DOMINATED_AT_TIED_LATENCY, {"other": "m1"}, **_beside(75, 77, 5.1, 5)),
    reason(ReasonCode.OFF_THE_WINNER, **_beside(73.5, 77.8, 4, 12.4)),
    reason(ReasonCode.OFF_THE_WINNER, **_beside(77.8, 73.5, 12.4, 4)),
    reason(ReasonCode.OFF_THE_WINNER, **_beside(77.79, 77.8, 4, 4.1)),
    reason(ReasonCode.OFF_THE_WINNER_AT_TIED_LATENCY, **_beside(75, 77, 5, 5.1)),
    reason(ReasonCode.TIED_BY_LATENCY, **_BESIDE_ITSELF),
    reason(ReasonCode.TIED_BY_ALL, **_BESIDE_ITSELF),
    reason(ReasonCode.TIED_BY_VALUE, **_BESIDE_ITSELF),
    reason(ReasonCode.TIED_BY_MEMORY, peak_rss_bytes=41_000_000, other_peak_rss_bytes=40_000_000),
    reason(ReasonCode.SLOWER_THAN_WINNER, median_ms=9, other_median_ms=5),
    reason(
        ReasonCode.MORE_MEMORY_THAN_WINNER,
        peak_rss_bytes=80_000_000,
        other_peak_rss_bytes=40_000_000,
    ),
    reason(ReasonCode.OLDER_COUNTS),
    reason(ReasonCode.ACCURACY_UNKNOWN, {"dataset": "ImageNet-1k"}),
    reason(
        ReasonCode.ACCURACY_UNKNOWN_IN_PRECISION,
        {"dataset": "ImageNet-1k", "precision": "int8-static"},
    ),
    reason(ReasonCode.ACCURACY_UNPUBLISHED),
    reason(ReasonCode.ACCURACY_OF_OTHER_SIZE, {"known_size": "224", "measured_size": "192x48"}),
    reason(ReasonCode.NOT_PACED, fps=30),
    reason(ReasonCode.NOT_SUSTAINED, minute=9),
    reason(ReasonCode.PAST_LAST_MINUTE, minute=9, minutes=5),
    reason(ReasonCode.MINUTE_EMPTY, minute=9),
)
_COMPARING = (
    reason(ReasonCode.WITHOUT_PARTNER),
    reason(ReasonCode.DEVICE_EMULATED, {"emulator": "qemu-user"}),
    reason(ReasonCode.SAME_MEASUREMENT),
    reason(ReasonCode.ONE_REPETITION_IN_A, fewest=2),
    reason(ReasonCode.ONE_REPETITION_IN_B, fewest=2),
    reason(ReasonCode.SIDES_IN_DOUBT, {"a": "disturbed"}),
    reason(ReasonCode.SIDES_IN_DOUBT, {"b": "throttled"}),
    reason(ReasonCode.SIDES_IN_DOUBT, {"a": "disturbed", "b": "disturbed"}),
    reason(ReasonCode.SIDES_IN_DOUBT, {"a": "disturbed", "b": "throttled"}),
    reason(ReasonCode.INTERVAL_HOLDS_ONE, margin=0.02),
)
_FLUSHING = "x86_64, AMD64, aarch64, arm64, armv7l, armv8l"
_PLANNING = (
    reason(ReasonCode.RUNTIME_MISSING, _BOARD | {"runtime": "paddlelite", "has": "onnxruntime"}),
    reason(
        ReasonCode.ARCHITECTURE_UNKNOWN,
        _BOARD | {"architecture": "mips64", "known": "x86_64, aarch64"},
    ),
    reason(
        ReasonCode.PRECISION_MISSING,
        _PC
        | {
            "runtime": "paddlelite",
            "architecture": "x86_64",
            "precision": "fp16",
            "has": "fp32, int8-dynamic",
        },
    ),
    reason(ReasonCode.CORES_MISSING, _PC | {"cores": "4-5", "has": "0-3"}),
    reason(ReasonCode.CORE_CLASSES_UNKNOWN, _PC | {"choice": "little", "has": "0-3"}),
    reason(ReasonCode.CORE_CLASSES_UNKNOWN, _PC | {"choice": "little", "has": ""}),
    reason(ReasonCode.CORES_ALIKE, _PC | {"choice": "big", "has": "0-3"}),
    reason(ReasonCode.CORES_NOT_ALLOWED, _PHONE | {"choice": "big", "cores": "7", "has": "0-1"}),
    reason(ReasonCode.THREADS_EXCEED_CHOSEN, _PHONE | {"cores": "0-3"}, threads=8, count=4),
    reason(ReasonCode.THREADS_EXCEED_CHOSEN, _PHONE | {"cores": "3"}, threads=2, count=1),
    reason(ReasonCode.THREADS_EXCEED_ALLOWED, _PHONE, threads=4, count=2, device_cores=8),
    reason(ReasonCode.THREADS_EXCEED_CORES, _PHONE, threads=9, device_cores=8),
    reason(ReasonCode.THREADS_EXCEED_CORES, _PHONE, threads=2, device_cores=1),
    reason(ReasonCode.THREADS_EXCEED_QUOTA, _PHONE, threads=4, quota_cores=2.5),
    reason(ReasonCode.THREADS_EXCEED_QUOTA, _PHONE, threads=4, quota_cores=0.5),
    reason(
        ReasonCode.PROVIDER_MISSING,
        _PC
        | {
            "runtime": "onnxruntime",
            "provider": "XnnpackExecutionProvider",
            "has": "CPUExecutionProvider",
        },
    ),
    reason(ReasonCode.FLUSHING_UNKNOWN, _BOARD | {"architecture": "riscv64", "known": _FLUSHING}),
    reason(
        ReasonCode.FILE_TOO_NEW,
        _BOARD | {"backbone": "AsOnnx", "version": "1.15.1"},
        ir_version=10,
        opset=21,
        reads_ir_version=9,
        reads_opset=19,
    ),
    reason(
        ReasonCode.RUNTIME_BROKEN,
        _BOARD
        | {
            "runtime": "paddlelite",
            "version": "2.13rc0",
            "detail": "the child died by SIGILL while importing, saying nothing",
        },
    ),
    reason(
        ReasonCode.HALF_PRECISION_MISSING,
        _BOARD | {"runtime": "paddlelite", "precision": "fp16"},
    ),
    reason(
        ReasonCode.EXTRA_KERNELS_MISSING,
        _BOARD
        | {"backbone": "ResNet18", "version": "2.13", "operators": "flatten_contiguous_range"},
    ),
    reason(ReasonCode.ACCELERATOR_MISSING, _BOARD | {"accelerator": "opencl"}),
    reason(ReasonCode.ADDED_AS_ONNX, {"backbone": "AsOnnx"}),
    reason(ReasonCode.CAME_QUANTISED, {"backbone": "Quantised", "asked": "fp32", "has": "int8"}),
    reason(
        ReasonCode.NOT_QUANTISED,
        {"backbone": "MobileNetV1", "has": "fp32, fp16, int8-dynamic, int8-static"},
    ),
    reason(
        ReasonCode.RACE_WITHOUT_ACCURACY,
        {"precision": "int8-dynamic", "backbones": "MobileNetV1"},
        count=1,
    ),
    reason(
        ReasonCode.RACE_WITHOUT_ACCURACY,
        {"precision": "fp16", "backbones": ", ".join(f"PPLCNet_x{n}_0" for n in range(1, 11))},
        count=10,
    ),
)

_PREDICTING = (
    reason(ReasonCode.PREDICTION_FEW_MEASURED, measured=3, needed=8),
    reason(ReasonCode.PREDICTION_FEW_MEASURED, measured=1, needed=8),
    reason(ReasonCode.PREDICTION_UNKNOWN_NETWORK),
    reason(ReasonCode.PREDICTION_EXTRAPOLATES),
    reason(
        ReasonCode.PREDICTION_UNCOUNTED,
        {"detail": "no rule says what the operator Einsum costs"},
    ),
)

EXAMPLES: Final[tuple[Reason, ...]] = (
    *_MEASURING,
    *_FAILING,
    *_RANKING,
    *_COMPARING,
    *_PLANNING,
    *_PREDICTING,
)
"""In the order of the codes."""
