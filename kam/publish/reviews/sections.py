"""What an account's page has: its sections, the figures of each, and the lines behind them. All are columns of published tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

REVIEW = "account_review"
SHOWN_LINES = 50
"""The lines that a page shows of a table; it says how many more there are."""

# A plan is one of several versions: the page shows the one that was submitted last.
_PLANNED = """
    SELECT account_id, period_month, plan_version FROM reporting.sales_plan_summary_by_account
    QUALIFY row_number() OVER (PARTITION BY account_id, period_month ORDER BY plan_submitted_at DESC NULLS LAST, plan_version) = 1
"""
# The rating decides which date counts for on time, and the settings which forecast is looked at: the review shows that one.
_BASIS = """
    SELECT account_id, period_month, basis FROM reporting.delivery_performance AS performance
    JOIN reporting.account_review AS review USING (account_id, period_month)
    WHERE performance.otif_ratio = review.otif_ratio
    QUALIFY row_number() OVER (PARTITION BY account_id, period_month ORDER BY is_default_basis DESC, basis) = 1
"""
_STEP = """
    SELECT account_id, period_month, forecast_step, lag FROM reporting.forecast_accuracy_by_account AS accuracy
    JOIN reporting.account_review AS review USING (account_id, period_month)
    WHERE accuracy.lag = 1 AND accuracy.wape = review.wape
    QUALIFY row_number() OVER (PARTITION BY account_id, period_month ORDER BY forecast_step) = 1
"""
SOURCES: Mapping[str, str] = {
    "sales_plan_summary_by_account": f"FROM reporting.sales_plan_summary_by_account SEMI JOIN ({_PLANNED}) USING (account_id, period_month, plan_version)",
    "full_year_outlook": f"FROM reporting.full_year_outlook SEMI JOIN ({_PLANNED}) USING (account_id, period_month, plan_version)",
    "sales_plan_variance": f"FROM reporting.sales_plan_variance SEMI JOIN ({_PLANNED}) USING (account_id, period_month, plan_version)",
    "delivery_performance": f"FROM reporting.delivery_performance SEMI JOIN ({_BASIS}) USING (account_id, period_month, basis)",
    "forecast_accuracy_by_account": f"FROM reporting.forecast_accuracy_by_account SEMI JOIN ({_STEP}) USING (account_id, period_month, forecast_step, lag)",
    "forecast_accuracy_by_item": f"FROM reporting.forecast_accuracy_by_item SEMI JOIN ({_STEP}) USING (account_id, period_month, forecast_step, lag)",
    "vendor_rating": "FROM reporting.vendor_rating WHERE dimension = 'overall'",
}
"""Tables of which the page shows a part only: a query of its rows."""


@dataclass(frozen=True)
class Lines:
    """The lines behind the figures of a section: rows of a table, in an order, with headings for the columns that are shown."""

    name: str
    title: str
    table: str
    columns: Mapping[str, str]
    order: str
    where: str = "true"
    source: str = ""

    @property
    def rows(self) -> str:
        """A query of the rows."""
        return self.source or SOURCES.get(self.table) or f"FROM reporting.{self.table}"


@dataclass(frozen=True)
class Section:
    """A section: its figures by table, and the lines behind them."""

    key: str
    title: str
    figures: tuple[tuple[str, tuple[str, ...]], ...]
    lines: tuple[Lines, ...] = field(default=())


SECTIONS: tuple[Section, ...] = (
    Section(
        "sales",
        "Sales",
        (
            (REVIEW, ("net_sales_amount",)),
            ("sales_plan_summary_by_account", ("plan_amount", "variance_amount", "variance_ratio")),
            (REVIEW, ("ytd_variance_ratio",)),
        ),
        (
            Lines(
                "parts",
                "Sales by part",
                "sales",
                {
                    "product_id": "Part", "product_name": "Name", "net_quantity": "Quantity", "net_amount": "Net sales",
                    "prior_year_net_quantity": "Quantity a year ago", "prior_year_net_amount": "Net sales a year ago",
                },
                "net_amount DESC NULLS LAST, product_id",
            ),
            Lines(
                "bridge-to-plan",
                "Variance to plan by part",
                "sales_plan_variance",
                {
                    "product_id": "Part", "product_name": "Name", "plan_amount": "Plan", "actual_amount": "Actual",
                    "variance_amount": "Variance", "volume_effect": "Volume", "mix_effect": "Mix", "price_effect": "Price",
                    "fx_effect": "Exchange rates", "new_effect": "New", "lost_effect": "Lost",
                },
                "abs(variance_amount) DESC NULLS LAST, product_id",
            ),
            Lines(
                "bridge-to-year-ago",
                "Change from a year ago by part",
                "sales_bridge",
                {
                    "product_id": "Part", "product_name": "Name", "plan_amount": "A year ago", "actual_amount": "Now",
                    "variance_amount": "Change", "volume_effect": "Volume", "mix_effect": "Mix", "price_effect": "Price",
                    "fx_effect": "Exchange rates", "new_effect": "New", "lost_effect": "Lost",
                },
                "abs(variance_amount) DESC NULLS LAST, product_id",
                "plan_version = 'prior year'",
            ),
        ),
    ),
    Section(
        "receivables",
        "Receivables and promises",
        (
            (REVIEW, ("outstanding_amount",)),
            ("receivables_kpis_by_account", ("overdue_amount",)),
            (REVIEW, ("overdue_ratio",)),
            ("receivables_kpis_by_account", ("dso_days", "weighted_days_late")),
            (REVIEW, ("exposure", "credit_limit", "broken_promise_count")),
        ),
        (
            Lines(
                "open-items",
                "Open items",
                "receivables_ageing",
                {
                    "document_id": "Document", "line_no": "Line", "item_type": "Kind", "document_date": "Date",
                    "due_date": "Due", "days_overdue": "Days overdue", "outstanding_amount": "Owed", "disputed": "Disputed",
                },
                "days_overdue DESC NULLS LAST, outstanding_amount DESC, document_id, line_no",
            ),
            Lines(
                "promises",
                "Promises of payment",
                "promises",
                {
                    "visit_id": "Visit", "promised_on": "Promised on", "promised_payment_date": "To be paid by",
                    "promised_amount": "Promised", "received_amount": "Received", "state": "State",
                },
                "promised_payment_date DESC, visit_id",
            ),
        ),
    ),
    Section(
        "rating",
        "Rating",
        (
            (REVIEW, ("rating_score",)),
            ("vendor_rating", ("own_score", "gap", "moving_average_3m", "points_to_next_band")),
        ),
        (
            Lines(
                "dimensions",
                "Rating by dimension",
                "vendor_rating",
                {
                    "dimension": "Dimension", "customer_score": "Customer", "own_score": "Own records", "gap": "Gap",
                    "weight": "Weight", "previous_score": "Before", "change": "Change", "trend": "Trend",
                },
                "dimension = 'overall' DESC, weight DESC NULLS LAST, dimension",
                source="FROM reporting.vendor_rating",
            ),
            Lines(
                "lost-points",
                "What costs the points of our own rating",
                "rating_gaps",
                {
                    "dimension": "Dimension", "cause": "Cause", "document_id": "Document", "line_no": "Line",
                    "event_date": "Date", "product_id": "Part", "quantity": "Quantity", "points": "Points lost",
                },
                "points DESC, dimension, document_id, line_no",
            ),
        ),
    ),
    Section(
        "delivery",
        "Delivery and quality",
        (
            (REVIEW, ("otif_ratio",)),
            ("delivery_performance", ("on_time_ratio", "in_full_ratio", "line_count", "late_count", "average_days_late")),
            (REVIEW, ("ppm",)),
            ("quality_performance", ("rejected_quantity", "complaint_count")),
            (REVIEW, ("open_issue_count", "overdue_issue_count")),
        ),
        (
            Lines(
                "late-lines",
                "Order lines that were not on time in full",
                "order_lines",
                {
                    "order_id": "Order", "line_no": "Line", "product_id": "Part", "requested_date": "Requested",
                    "promised_date": "Promised", "completed_date": "Complete", "ordered_quantity": "Ordered",
                    "delivered_quantity": "Delivered", "basis": "Counts by", "days_late": "Days late",
                },
                "days_late DESC NULLS FIRST, order_id, line_no",
                "is_due AND NOT is_otif",
                f"""FROM (SELECT order_lines.*, basis,
                CASE basis WHEN 'requested' THEN requested_is_otif WHEN 'promised' THEN promised_is_otif ELSE last_promised_is_otif END AS is_otif,
                CASE basis WHEN 'requested' THEN requested_days_late WHEN 'promised' THEN promised_days_late ELSE last_promised_days_late END AS days_late
                FROM reporting.order_lines JOIN ({_BASIS}) USING (account_id, period_month))""",
            ),
            Lines(
                "issues",
                "Issues of the month and open ones",
                "issues",
                {
                    "issue_id": "Issue", "issue_type": "Kind", "dimension": "Dimension", "product_id": "Part",
                    "severity": "Severity", "opened_date": "Opened", "target_close_date": "To be closed by",
                    "closed_date": "Closed", "is_overdue": "Overdue",
                },
                "is_open DESC, is_overdue DESC, target_close_date, issue_id",
            ),
        ),
    ),
    Section(
        "forecast",
        "Forecast and outlook",
        (
            (REVIEW, ("wape",)),
            ("forecast_accuracy_by_account", ("bias_ratio", "forecast_quantity", "actual_quantity")),
            ("full_year_outlook", ("outlook_amount", "year_plan_amount", "outlook_variance_amount")),
        ),
        (
            Lines(
                "forecast-items",
                "Forecast by part, one month ahead",
                "forecast_accuracy_by_item",
                {
                    "product_id": "Part", "product_name": "Name", "forecast_step": "Forecast", "forecast_quantity": "Forecast quantity",
                    "actual_quantity": "Actual quantity", "wape": "Error", "bias_ratio": "Bias", "tracking_signal": "Tracking signal",
                },
                "absolute_error_quantity DESC NULLS LAST, product_id",
            ),
        ),
    ),
    Section(
        "orders",
        "Orders",
        (
            (REVIEW, ("ordered_amount",)),
            (
                "order_book",
                ("opening_amount", "cancelled_amount", "delivered_amount", "closing_amount", "overdue_amount", "due_month_1_amount"),
            ),
        ),
        (
            Lines(
                "open-orders",
                "Order lines: open ones and those of the month",
                "order_lines",
                {
                    "order_id": "Order", "line_no": "Line", "product_id": "Part", "order_date": "Ordered on", "due_date": "Due",
                    "ordered_quantity": "Ordered", "open_quantity": "Open", "is_overdue": "Overdue",
                },
                "is_open DESC NULLS LAST, due_date NULLS LAST, order_id, line_no",
                "is_open OR is_ordered",
            ),
        ),
    ),
    Section(
        "visits",
        "Visits",
        ((REVIEW, ("visit_count", "days_since_last_visit", "visit_cost_ratio")),),
        (
            Lines(
                "visits-held",
                "Visits of the month",
                "visits",
                {
                    "visit_id": "Visit", "visit_type": "Kind", "planned_date": "Planned", "visit_date": "Held",
                    "duration_hours": "Hours", "cost": "Cost", "reported_on": "Reported", "is_held_as_planned": "As planned",
                },
                "coalesce(visit_date, planned_date), visit_id",
            ),
        ),
    ),
    Section(
        "actions",
        "Actions",
        ((REVIEW, ("open_action_count", "overdue_action_count")), ("action_status", ("opened", "done"))),
        (
            Lines(
                "actions-open",
                "Actions: open ones first",
                "actions",
                {
                    "action_id": "Action", "title": "What", "owner": "Owner", "kind": "Kind", "opened_date": "Opened",
                    "due_date": "Due", "done_date": "Done", "is_overdue": "Overdue",
                },
                "is_open DESC, due_date NULLS LAST, action_id",
            ),
        ),
    ),
    Section(
        "quotations",
        "Quotations and opportunities",
        (
            (
                REVIEW,
                (
                    *("hit_ratio", "rolling_12_hit_ratio", "lost_quotation_amount"),
                    *("open_opportunity_amount", "expected_opportunity_amount", "won_opportunity_amount"),
                ),
            ),
        ),
        (
            Lines(
                "quotations-all",
                "Quotations",
                "quotations",
                {
                    "quotation_id": "Quotation", "product_id": "Part", "project_type": "Kind", "rfq_date": "Asked",
                    "requested_by": "Wanted by", "quoted_date": "Quoted", "amount": "Amount", "decision": "Decision",
                    "decided_date": "Decided", "lost_reason": "Lost because",
                },
                "is_open DESC, rfq_date DESC, quotation_id",
            ),
            Lines(
                "opportunities",
                "Opportunities",
                "opportunities",
                {
                    "opportunity_id": "Opportunity", "product_line": "Product line", "stage": "Stage", "expected_close": "Expected",
                    "success_probability": "Chance", "amount": "Amount", "expected_amount": "Expected amount", "outcome": "Outcome",
                    "is_slipped": "Slipped",
                },
                "is_open DESC, expected_close, opportunity_id",
            ),
        ),
    ),
    Section(
        "contracts",
        "Contracts",
        ((REVIEW, ("days_to_notice", "fulfilment_ratio")),),
        (
            Lines(
                "contracts-all",
                "Contracts",
                "contract_status",
                {
                    "contract_id": "Contract", "title": "Title", "state": "State", "end_date": "Ends", "notice_by": "Notice by",
                    "is_renewed_automatically": "Renews itself", "committed_amount": "Committed", "bought_amount": "Bought",
                    "fulfilment_ratio": "Fulfilled",
                },
                "notice_by NULLS LAST, contract_id, commitment_id",
            ),
            Lines(
                "commitments",
                "Commitments",
                "commitments",
                {
                    "commitment_id": "Commitment", "contract_id": "Contract", "party": "Whose", "title": "What", "due_date": "Due",
                    "fulfilled_on": "Fulfilled on", "committed_amount": "Committed", "bought_amount": "Bought", "is_overdue": "Overdue",
                },
                "is_overdue DESC, due_date NULLS LAST, commitment_id",
            ),
        ),
    ),
    Section(
        "projects",
        "Projects and approvals",
        ((REVIEW, ("gate_slip_days", "validity_days_left", "audit_score_ratio")),),
        (
            Lines(
                "gates",
                "Gates of projects",
                "gate_performance",
                {
                    "project_id": "Project", "gate": "Gate", "requested_date": "Requested", "planned_date": "Planned",
                    "actual_date": "Passed", "result": "Result", "slip_days_requested": "Days behind",
                },
                "is_done, planned_date NULLS LAST, project_id, gate",
            ),
            Lines(
                "assessments",
                "Audits, certificates and surveys",
                "assessment_scores",
                {
                    "assessment_id": "Assessment", "kind": "Kind", "title": "Title", "assessed_on": "On", "score_ratio": "Score",
                    "previous_score_ratio": "Score before", "valid_until": "Valid until", "days_left": "Days left",
                },
                "days_left NULLS LAST, assessment_id",
            ),
        ),
    ),
    Section(
        "profit",
        "Profit",
        (
            (
                REVIEW,
                (
                    *("gross_margin_ratio", "target_margin_ratio", "contribution_ratio", "profit_amount"),
                    "remaining_net_present_value",
                ),
            ),
        ),
        (
            Lines(
                "margins",
                "Margin by product line",
                "product_line_profit",
                {
                    "product_line": "Product line", "net_sales_amount": "Net sales", "cost_of_goods_amount": "Cost of goods",
                    "gross_margin_amount": "Gross margin", "gross_margin_ratio": "Gross margin share",
                },
                "net_sales_amount DESC NULLS LAST, product_line",
            ),
            Lines(
                "costs",
                "Costs of the account",
                "account_costs",
                {"cost_type": "Cost", "is_variable": "Variable", "amount": "Amount"},
                "amount DESC NULLS LAST, cost_type",
            ),
        ),
    ),
    Section(
        "market",
        "Market",
        ((REVIEW, ("share_ratio", "competitor_price_index_ratio")),),
        (
            Lines(
                "shares",
                "Our share of what the account buys",
                "market_share",
                {
                    "product_line": "Product line", "own_amount": "From us", "total_amount": "In all", "share_ratio": "Share",
                    "share_change_points": "Change in a year", "lost_item_count": "Parts no longer bought",
                },
                "own_amount DESC NULLS LAST, product_line",
                "market_of = 'account'",
            ),
            Lines(
                "competitors",
                "Competitors",
                "competitor_position",
                {
                    "competitor_id": "Competitor", "product_line": "Product line", "kind": "Kind", "observed_on": "Observed",
                    "value": "Theirs", "our_value": "Ours", "index_ratio": "Ours to theirs", "notes": "Notes",
                },
                "observed_on DESC NULLS LAST, competitor_id, product_line, kind",
            ),
        ),
    ),
    Section(
        "tax",
        "Tax forms",
        ((REVIEW, ("tax_form_outstanding_amount", "tax_at_risk_amount")),),
        (
            Lines(
                "forms",
                "Forms outstanding",
                "tax_forms_outstanding",
                {
                    "form_type": "Form", "fiscal_year": "Fiscal year", "fiscal_quarter": "Quarter", "invoiced_amount": "Invoiced",
                    "outstanding_amount": "Outstanding", "days_outstanding": "Days", "tax_at_risk_amount": "Tax at risk",
                },
                "days_outstanding DESC, form_type",
                "outstanding_amount <> 0",
            ),
        ),
    ),
)  # fmt: skip

NAMES: Mapping[str, str] = {
    "net_sales_amount": "Net sales", "plan_amount": "Plan", "variance_amount": "Against plan", "variance_ratio": "Against plan, share",
    "ytd_variance_ratio": "Year to date against plan", "outstanding_amount": "Owed", "overdue_ratio": "Overdue share",
    "dso_days": "Days sales outstanding", "weighted_days_late": "Days late when paid", "exposure": "Exposure",
    "credit_limit": "Credit limit", "broken_promise_count": "Promises broken", "rating_score": "Overall rating, points",
    "own_score": "By our own records, points", "gap": "Customer above our records", "moving_average_3m": "Mean of three months",
    "points_to_next_band": "Points to the next band", "otif_ratio": "On time in full", "on_time_ratio": "On time", "in_full_ratio": "In full",
    "line_count": "Order lines due", "late_count": "Late lines", "average_days_late": "Days late on average", "ppm": "Rejects, ppm",
    "rejected_quantity": "Parts rejected", "complaint_count": "Complaints opened", "open_issue_count": "Issues open",
    "overdue_issue_count": "Issues overdue", "wape": "Forecast error", "bias_ratio": "Forecast too high (+) or low (-)",
    "forecast_quantity": "Quantity forecast", "actual_quantity": "Quantity sold", "outlook_amount": "Outlook for the fiscal year",
    "year_plan_amount": "Plan of the fiscal year", "outlook_variance_amount": "Outlook against plan", "ordered_amount": "Orders received",
    "opening_amount": "Open at the start", "cancelled_amount": "Cancelled", "delivered_amount": "Delivered", "closing_amount": "Open at the end",
    "overdue_amount": "Overdue", "due_month_1_amount": "Due next month", "visit_count": "Visits held",
    "days_since_last_visit": "Days since the last visit", "visit_cost_ratio": "Cost of visits to sales", "open_action_count": "Actions open",
    "overdue_action_count": "Actions overdue", "opened": "Opened", "done": "Done", "hit_ratio": "Won of decided",
    "rolling_12_hit_ratio": "Won of decided, twelve months", "lost_quotation_amount": "Quotations lost",
    "open_opportunity_amount": "Opportunities open", "expected_opportunity_amount": "Opportunities, by chance",
    "won_opportunity_amount": "Opportunities won", "days_to_notice": "Days to notice", "fulfilment_ratio": "Bought of committed",
    "gate_slip_days": "Days behind at a gate", "validity_days_left": "Days of validity left", "audit_score_ratio": "Score in audits",
    "gross_margin_ratio": "Gross margin", "target_margin_ratio": "Target of the margin", "contribution_ratio": "Contribution",
    "profit_amount": "Profit", "remaining_net_present_value": "Value of business cases left", "share_ratio": "Our share",
    "competitor_price_index_ratio": "Our price to a competitor's", "tax_form_outstanding_amount": "Sales without form",
    "tax_at_risk_amount": "Tax at risk",
}  # fmt: skip
"""What the page calls a figure; its definition has the whole meaning."""
LINES_OF_FIGURE: Mapping[str, str] = {
    "plan_amount": "bridge-to-plan",
    "variance_amount": "bridge-to-plan",
    "variance_ratio": "bridge-to-plan",
    "ytd_variance_ratio": "bridge-to-plan",
    "broken_promise_count": "promises",
    "own_score": "lost-points",
    "open_issue_count": "issues",
    "overdue_issue_count": "issues",
    "complaint_count": "issues",
    "open_opportunity_amount": "opportunities",
    "expected_opportunity_amount": "opportunities",
    "won_opportunity_amount": "opportunities",
    "fulfilment_ratio": "commitments",
    "validity_days_left": "assessments",
    "audit_score_ratio": "assessments",
    "competitor_price_index_ratio": "competitors",
}
"""The lines behind a figure, where they are not the first ones of its section."""
SECTION_OF_TABLE: Mapping[str, str] = {
    **{table: section.key for section in SECTIONS for table, _ in section.figures if table != REVIEW},
    **{lines.table: section.key for section in SECTIONS for lines in section.lines if lines.table != "order_lines"},
    "issue_performance": "delivery",
    "visit_performance": "visits",
    "quotation_performance": "quotations",
    "pipeline": "quotations",
    "account_profit": "profit",
    "business_cases": "profit",
}
"""Where on the page a flag's table is looked at."""
