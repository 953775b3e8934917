"""How a command ends, besides 0 for done and 130 for interrupted."""

FAILED = 1
"""Refused or failed; stderr says why."""
MISUSED = 2
"""The command line or a setting is wrong."""
REFUSED_LINES = 3
"""Lines of an import were refused, and the rest was imported."""
