"""Artifacts: made once, when disk and memory have room, in children that can be cancelled."""
