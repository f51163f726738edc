"""What holds for every test."""

from hypothesis import settings

# How long an example takes is the machine's affair; a stall is no defect of what is tested.
settings.register_profile("busy machine", deadline=None)
settings.load_profile("busy machine")
