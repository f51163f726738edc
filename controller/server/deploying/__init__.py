"""Agents brought to boards over SSH: looked at, installed, switched to, started, waited for."""
