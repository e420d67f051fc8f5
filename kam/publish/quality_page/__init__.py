"""The data quality page: what was checked in each month, what failed, and what to do about it."""

from kam.publish.quality_page.flags import Flags, flags_of, newest_flags
from kam.publish.quality_page.page import PAGE, render, write

__all__ = ["PAGE", "Flags", "flags_of", "newest_flags", "render", "write"]
