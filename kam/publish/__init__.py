"""What others read: the published file, the quality page and the generated documents."""

from kam.publish import published_file
from kam.publish.published_file import PUBLISHED_FILE

__all__ = ["PUBLISHED_FILE", "published_file"]
