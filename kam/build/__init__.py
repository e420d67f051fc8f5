"""The models of `sql/`: read, put in order and run for a set of months, and their results hashed."""

from kam.build.candidates import prepare_build, prepare_day
from kam.build.columns import MartColumn, Vocabulary, vocabulary
from kam.build.content import content_query, record_content
from kam.build.levels import level_tables, published_tables
from kam.build.models import Model, controls, marts, models, models_hash, read_by, run_views
from kam.build.runner import mart_changes, materialise, prepare_marts, run_mart, run_models

__all__ = [
    "MartColumn",
    "Model",
    "Vocabulary",
    "content_query",
    "controls",
    "level_tables",
    "mart_changes",
    "marts",
    "materialise",
    "models",
    "models_hash",
    "prepare_build",
    "prepare_day",
    "prepare_marts",
    "published_tables",
    "read_by",
    "record_content",
    "run_mart",
    "run_models",
    "run_views",
    "vocabulary",
]
