"""A site and what it declares: settings, feed contracts, corrections, scaffold and scratch folder."""

from kam.site.corrections_file import CORRECTIONS_FILE
from kam.site.faults import nearest
from kam.site.feed_source import WORKBOOK_ENDINGS, ComputedColumn, ConstantColumn, CsvDialect, FeedSource, Unpivot
from kam.site.feeds import EARLIEST_DATE, FEEDS, LATEST_DATE, Column, Events, Feed, Identity, Kind, RowRule, SignRule
from kam.site.file_dates import date_in_name
from kam.site.flag_rules import FlagRule, flag_rules
from kam.site.month_names import COMMON_LANGUAGES, month_names
from kam.site.presets import known_presets, variables_of
from kam.site.rating import RATED_DIMENSIONS, RatingRules, RatingSection, built_in_sets
from kam.site.scaffold import write_site
from kam.site.schema import SCHEMA_FILE, schema_text, settings_schema
from kam.site.scratch import BUILDING, FETCHED, INCOMING, scratch_folder, sweep
from kam.site.settings import (
    ALERT_EVENTS,
    NAIVE_STEP,
    OFF,
    SETTINGS_FILE,
    AlertEvent,
    AlertsSection,
    CheckSettings,
    Correction,
    DatabaseTarget,
    IngestSection,
    PublishSection,
    Settings,
    WarehouseSection,
    validate_settings,
)
from kam.site.site import SITE_VARIABLE, Site, find_site, require_feed
from kam.site.sites_file import ListedSite, alone, read_sites, require_approvers
from kam.site.warehouse_setting import write_warehouse

__all__ = [
    "ALERT_EVENTS",
    "BUILDING",
    "COMMON_LANGUAGES",
    "CORRECTIONS_FILE",
    "EARLIEST_DATE",
    "FEEDS",
    "FETCHED",
    "INCOMING",
    "LATEST_DATE",
    "NAIVE_STEP",
    "OFF",
    "RATED_DIMENSIONS",
    "SCHEMA_FILE",
    "SETTINGS_FILE",
    "SITE_VARIABLE",
    "WORKBOOK_ENDINGS",
    "AlertEvent",
    "AlertsSection",
    "CheckSettings",
    "Column",
    "ComputedColumn",
    "ConstantColumn",
    "Correction",
    "CsvDialect",
    "DatabaseTarget",
    "Events",
    "Feed",
    "FeedSource",
    "FlagRule",
    "Identity",
    "IngestSection",
    "Kind",
    "ListedSite",
    "PublishSection",
    "RatingRules",
    "RatingSection",
    "RowRule",
    "Settings",
    "SignRule",
    "Site",
    "Unpivot",
    "WarehouseSection",
    "alone",
    "built_in_sets",
    "date_in_name",
    "find_site",
    "flag_rules",
    "known_presets",
    "month_names",
    "nearest",
    "read_sites",
    "require_approvers",
    "require_feed",
    "schema_text",
    "scratch_folder",
    "settings_schema",
    "sweep",
    "validate_settings",
    "variables_of",
    "write_site",
    "write_warehouse",
]
