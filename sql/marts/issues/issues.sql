-- fmt: off
-- grain: period_month, issue_id
-- why: the issues that were opened, closed or reopened in the month or are open at its end, as known then.
--   issue_performance counts them
-- method: issues-1
-- needs: issues
-- lines: core.issues by issue_id
-- columns:
--   period_month       DATE
--   issue_id           VARCHAR        Number of the issue in the source
--   account_id         VARCHAR
--   account_name       VARCHAR
--   account_manager    VARCHAR
--   product_id         VARCHAR        here: The part that the issue is about; NULL where it names none
--   product_name       VARCHAR        here: Name of the part; unknown where master data has none, NULL where the issue names none
--   dimension          VARCHAR        Dimension of the rating that the issue is about: quality, delivery, cost, development, management, overall; unknown where it names none
--   origin             VARCHAR
--   category           VARCHAR        What failed: quality, delivery, credit, billing, supply, engineering, other
--   issue_type         VARCHAR        Kind of issue: complaint, audit_finding, request
--   severity           VARCHAR        How serious it is, in the source's own words
--   affected_quantity  DECIMAL(34,4)  [units of the item; none] Quantity that the issue is about
--   opened_date        DATE           Day it was opened
--   target_close_date  DATE           Day by which it should be closed
--   closed_date        DATE           Day it was closed; NULL while it is open at the month end
--   reopened_date      DATE           Day it was last opened again, by the month end
--   days_to_close      BIGINT         [days; sum; less is better] Days from opening to closing, of an issue closed in the month
--   age_days           BIGINT         [days; last in time; less is better] Days from opening to the month end, of an open issue
--   cost               DECIMAL(32,2)  [reporting currency; sum; less is better] What an issue opened in the month cost us, at the rate of that day; NULL where it names none
--   amount_reason      VARCHAR        Why cost is undefined though the issue names it: no rate for its currency
--   is_opened          BOOLEAN        Whether it was opened in the month
--   is_closed          BOOLEAN        Whether it was closed in the month and not opened again by its end
--   is_closed_on_time  BOOLEAN        Whether it was closed in the month and by its target date
--   is_open            BOOLEAN        Whether it is open at the month end
--   is_overdue         BOOLEAN        Whether it is open and its target date lies before the month end
--   is_reopened        BOOLEAN        Whether it was opened again in the month
--   is_repeated        BOOLEAN        Whether it was opened in the month, at most 90 days after another one of the account about the same part and dimension
-- fmt: on
select
    issues.period_month,
    issues.issue_id,
    issues.account_id,
    known(accounts.account_name) as account_name,
    known(accounts.account_manager) as account_manager,
    issues.product_id,
    case when issues.product_id is not null then known(products.product_name) end as product_name,
    issues.dimension,
    issues.origin,
    issues.category,
    issues.issue_type,
    issues.severity,
    issues.affected_quantity,
    issues.opened_date,
    issues.target_close_date,
    issues.closed_date,
    issues.reopened_date,
    issues.days_to_close,
    issues.age_days,
    issues.cost,
    issues.cost_reason as amount_reason,
    issues.is_opened,
    issues.is_closed,
    issues.is_closed and issues.is_closed_in_time as is_closed_on_time,
    issues.is_open,
    issues.is_overdue,
    issues.is_reopened,
    issues.is_repeated
from core.issue_months as issues
left join core.accounts as accounts on accounts.account_id = issues.account_id
left join core.products as products on products.product_id = issues.product_id
where issues.is_built and (issues.is_open or issues.is_opened or issues.is_closed or issues.is_reopened)
