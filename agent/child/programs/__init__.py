"""Programs that others wrote and that measure: Paddle Lite's, and ONNX Runtime's."""
