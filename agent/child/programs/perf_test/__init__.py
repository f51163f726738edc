"""Measures through ONNX Runtime's own `onnxruntime_perf_test`, which tells each inference."""
