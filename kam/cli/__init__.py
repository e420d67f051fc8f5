"""The command line: commands, options, console, `kam check`, `kam status` and Prefect as a guest."""

__all__ = []
