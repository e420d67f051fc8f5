"""From the landing folder or a database to staging: sources, meaning of cells, row rules, loads and rejects."""

from kam.ingest import rejects
from kam.ingest.examination import examine
from kam.ingest.load import ingest_feed, load_made_here, replay, unreached
from kam.ingest.new_sources import order_in_question, ordered_feeds, waiting_sources
from kam.ingest.places import places_of
from kam.ingest.proposals import Proposal, Sample, header_place, propose, snippet, text_sample
from kam.ingest.results import Examination, LoadResult, LoadStatus
from kam.ingest.sources import Extract, SourceFile, made_here, offered, opened
from kam.ingest.unpivot import unpivoted
from kam.ingest.wide_proposals import wide_sample

__all__ = [
    "Examination",
    "Extract",
    "LoadResult",
    "LoadStatus",
    "Proposal",
    "Sample",
    "SourceFile",
    "examine",
    "header_place",
    "ingest_feed",
    "load_made_here",
    "made_here",
    "offered",
    "opened",
    "order_in_question",
    "ordered_feeds",
    "places_of",
    "propose",
    "rejects",
    "replay",
    "snippet",
    "text_sample",
    "unpivoted",
    "unreached",
    "waiting_sources",
    "wide_sample",
]
