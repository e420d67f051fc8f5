"""Synthetic extracts of a supplier of rubber and glass parts, the same for the same size and seed."""

from kam.demo.write import write_demo

__all__ = ["write_demo"]
