"""What others read: the published file, the quality page and the generated documents."""

from kam.publish import published_file
from kam.publish.published_file import PUBLISHED_FILE
from kam.publish.table_file import ENDINGS, write_table

__all__ = ["ENDINGS", "PUBLISHED_FILE", "published_file", "write_table"]
