"""The reviews of a month as pages: which accounts need attention and why, and a page per account."""

from kam.publish.reviews.pages import write_reviews

__all__ = ["write_reviews"]
