-- fmt: off
-- grain: commitment of a volume × day on which something of it was sold
-- why: what was bought under a commitment by any day. A sale counts for each commitment that it fulfils: a year's total and the volume
--   of one part can be promised side by side
-- lines: core.sales by sale_date where line.basis = 'invoiced' and line.account_id = (select commitments.account_id from core.commitments
--     as commitments where commitments.commitment_id = figure.commitment_id)
-- columns:
--   commitment_id   VARCHAR
--   sale_date       DATE
--   quantity        DECIMAL(38,4)
--   amount          DECIMAL(38,8)
--   amount_reason   VARCHAR
--   least_unit      VARCHAR
--   greatest_unit   VARCHAR
-- fmt: on
with
    volumes as (from core.commitments where coalesce(quantity, amount) is not null),

    lines as (from core.sales semi join volumes using (account_id) where basis = 'invoiced'),

    sold as (
        select
            volumes.commitment_id,
            lines.sale_date,
            lines.period_month,
            lines.currency,
            coalesce(sum(lines.quantity), 0) as quantity,
            sum(lines.amount_doc) as amount_doc,
            min(lines.unit) filter (lines.quantity <> 0) as least_unit,
            max(lines.unit) filter (lines.quantity <> 0) as greatest_unit
        from volumes
        join
            lines
            on lines.account_id = volumes.account_id
            and lines.sale_date between volumes.from_date and volumes.to_date
            and coalesce(lines.product_id = volumes.product_id, volumes.product_id is null)
            and (
                volumes.product_id is not null
                or volumes.product_line is null
                or lines.product_line = volumes.product_line
            )
        group by volumes.commitment_id, lines.sale_date, lines.period_month, lines.currency
    )

select
    sold.commitment_id,
    sold.sale_date,
    sum(sold.quantity) as quantity,
    complete_sum(at_rate(sold.amount_doc, rates.average_rate), true) as amount,
    min(rate_reason(rates.average_rate, sold.currency)) as amount_reason,
    min(sold.least_unit) as least_unit,
    max(sold.greatest_unit) as greatest_unit
from sold
left join core.month_rates as rates on rates.period_month = sold.period_month and rates.currency = sold.currency
group by sold.commitment_id, sold.sale_date
