"""What a close did, as tables for the console and for Prefect artifacts."""

from kam.report.tables import (
    Row,
    cell_rows,
    check_rows,
    control_rows,
    correction_rows,
    figure_rows,
    headline_rows,
    load_rows,
    load_summary,
    plan_rows,
    proof_rows,
    proofs_rows,
    readiness_rows,
    source_rows,
    table_rows,
    unmet_rows,
)

__all__ = [
    "Row",
    "cell_rows",
    "check_rows",
    "control_rows",
    "correction_rows",
    "figure_rows",
    "headline_rows",
    "load_rows",
    "load_summary",
    "plan_rows",
    "proof_rows",
    "proofs_rows",
    "readiness_rows",
    "source_rows",
    "table_rows",
    "unmet_rows",
]
