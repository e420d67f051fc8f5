-- fmt: off
-- grain: business month × account
-- why: quantities that parts per million and their year to date are divided from; averaged months would weigh a small
--      month like a large one
-- columns:
--   period_month             DATE
--   account_id               VARCHAR
--   delivered_quantity       DECIMAL(38,4)
--   rejected_quantity        DECIMAL(38,4)
--   delivered_units          STRUCT(least VARCHAR, greatest VARCHAR)
--   complaint_count          BIGINT
--   complaint_quantity       DECIMAL(38,4)
--   complaint_units          STRUCT(least VARCHAR, greatest VARCHAR)
-- fmt: on
with
    delivered as (
        select
            months.period_month,
            lines.account_id,
            sum(lines.quantity) as delivered_quantity,
            sum(lines.rejected_quantity) as rejected_quantity,
            {'least':min(lower(products.unit)), 'greatest':max(lower(products.unit))} as delivered_units
        from core.delivery_lines as lines
        left join core.products as products on products.product_id = lines.product_id
        join core.days as days on days.calendar_date = lines.delivered_date
        join core.rating_months as months on months.period_month = days.period_month
        group by months.period_month, lines.account_id
    ),

    complaints as (
        select
            months.period_month,
            issues.account_id,
            count(*) as complaint_count,
            coalesce(sum(issues.affected_quantity), 0) as complaint_quantity,
            {
                'least':min(lower(products.unit)) filter (where issues.affected_quantity > 0),
                'greatest':max(lower(products.unit)) filter (where issues.affected_quantity > 0)
            } as complaint_units
        from core.issues as issues
        left join core.products as products on products.product_id = issues.product_id
        join core.days as days on days.calendar_date = issues.opened_date
        join core.rating_months as months on months.period_month = days.period_month
        where issues.issue_type = 'complaint'
        group by months.period_month, issues.account_id
    )

select
    period_month,
    account_id,
    coalesce(delivered.delivered_quantity, 0) as delivered_quantity,
    coalesce(delivered.rejected_quantity, 0) as rejected_quantity,
    delivered.delivered_units,
    coalesce(complaints.complaint_count, 0) as complaint_count,
    coalesce(complaints.complaint_quantity, 0) as complaint_quantity,
    complaints.complaint_units
from delivered
full join complaints using (period_month, account_id)
