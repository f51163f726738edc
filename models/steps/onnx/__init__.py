"""Steps that make, reduce and run ONNX files."""
