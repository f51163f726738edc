"""Fault schedules: small real fleets on which a seed lets faults fall, and who checks the end."""
