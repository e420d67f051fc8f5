"""What others read: the published file, the quality page and the generated documents."""

from kam.publish import published_file
from kam.publish.data_docs import RecordedChecks, recorded_checks, write_data_docs
from kam.publish.month_report import Written, write_month_parquet, write_month_workbook
from kam.publish.preview import PREVIEWS, previewed
from kam.publish.published_file import PUBLISHED_FILE
from kam.publish.quality_page import Flags, flags_of, newest_flags
from kam.publish.reviews import FRONT_PAGE, MONTHS, front_page, packs_of, write_front_page, write_reviews
from kam.publish.standing import PublishedMonth, failed_months, published_months, waiting_months
from kam.publish.superset import file_url, write_superset
from kam.publish.table_file import require_format, write_table
from kam.publish.targets import TargetState, faults_of_targets, publish_to_targets, target_states

__all__ = [
    "FRONT_PAGE",
    "MONTHS",
    "PREVIEWS",
    "PUBLISHED_FILE",
    "Flags",
    "PublishedMonth",
    "RecordedChecks",
    "TargetState",
    "Written",
    "failed_months",
    "faults_of_targets",
    "file_url",
    "flags_of",
    "front_page",
    "newest_flags",
    "packs_of",
    "previewed",
    "publish_to_targets",
    "published_file",
    "published_months",
    "recorded_checks",
    "require_format",
    "target_states",
    "waiting_months",
    "write_data_docs",
    "write_front_page",
    "write_month_parquet",
    "write_month_workbook",
    "write_reviews",
    "write_superset",
    "write_table",
]
