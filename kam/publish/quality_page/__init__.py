"""The data quality page: what was checked in each month, what failed, and what to do about it."""

from kam.publish.quality_page.account_page import account_page
from kam.publish.quality_page.flags import Flags, flags_of, newest_flags
from kam.publish.quality_page.ledger import printable_text
from kam.publish.quality_page.page import PAGE, PAGE_STYLE, page_environment, render, write

__all__ = [
    "PAGE",
    "PAGE_STYLE",
    "Flags",
    "account_page",
    "flags_of",
    "newest_flags",
    "page_environment",
    "printable_text",
    "render",
    "write",
]
