"""Exit codes of commands, besides 0 for success and 130 for interrupted."""

FAILED = 1
"""Refused or failed, with the reason on stderr."""
MISUSED = 2
"""The command line or a setting is invalid."""
REFUSED_LINES = 3
"""An import refused some lines and imported the others."""
