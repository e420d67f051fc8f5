"""The models of `sql/`: read, put in order and run for a set of months, and their results hashed."""

from kam.build.candidates import prepare_build, prepare_day
from kam.build.columns import MartColumn, Vocabulary, vocabulary
from kam.build.content import content_query, record_content, versions_query
from kam.build.detail import Detail, brought_by, details_for
from kam.build.formulas import filled, names_in, shown
from kam.build.levels import level_tables, published_tables
from kam.build.models import Model, controls, marts, models, models_hash, read_by, run_views
from kam.build.runner import make_ahead, mart_changes, materialise, prepare_marts, run_mart, run_models, why_empty

__all__ = [
    "Detail",
    "MartColumn",
    "Model",
    "Vocabulary",
    "brought_by",
    "content_query",
    "controls",
    "details_for",
    "filled",
    "level_tables",
    "make_ahead",
    "mart_changes",
    "marts",
    "materialise",
    "models",
    "models_hash",
    "names_in",
    "prepare_build",
    "prepare_day",
    "prepare_marts",
    "published_tables",
    "read_by",
    "record_content",
    "run_mart",
    "run_models",
    "run_views",
    "shown",
    "versions_query",
    "vocabulary",
    "why_empty",
]
