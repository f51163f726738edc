"""Steps that count what architectures cost."""
