"""The close pack: which accounts need attention and why, a page per account, and the page where people begin."""

from kam.publish.reviews.pages import FRONT_PAGE, MONTHS, front_page, packs_of, write_front_page, write_reviews

__all__ = ["FRONT_PAGE", "MONTHS", "front_page", "packs_of", "write_front_page", "write_reviews"]
