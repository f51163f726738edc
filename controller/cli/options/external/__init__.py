"""ONNX files whose weights are in files beside them."""
