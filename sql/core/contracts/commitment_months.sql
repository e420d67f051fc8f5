-- fmt: off
-- grain: month looked back on × commitment that holds from a day by its end
-- why: what was promised up to the month's end, and what was done or bought of it by then. A volume is spread evenly over its days; it
--   ends with its contract
-- columns:
--   looked_month               DATE
--   commitment_id              VARCHAR
--   contract_id                VARCHAR
--   account_id                 VARCHAR
--   party                      VARCHAR
--   title                      VARCHAR
--   product_line               VARCHAR
--   product_id                 VARCHAR
--   from_date                  DATE
--   to_date                    DATE
--   counted_to                 DATE
--   due_date                   DATE
--   fulfilled_on               DATE
--   is_due                     BOOLEAN
--   is_fulfilled               BOOLEAN
--   is_overdue                 BOOLEAN
--   has_quantity               BOOLEAN
--   has_amount                 BOOLEAN
--   committed_quantity         DECIMAL(34,4)
--   committed_quantity_reason  VARCHAR
--   committed_amount           DECIMAL(32,2)
--   committed_amount_reason    VARCHAR
--   bought_quantity            DECIMAL(38,4)
--   bought_quantity_reason     VARCHAR
--   bought_amount              DECIMAL(32,2)
--   bought_amount_reason       VARCHAR
--   least_unit                 VARCHAR
--   greatest_unit              VARCHAR
-- fmt: on
with
    months as (select distinct looked_month, as_of_date from core.looked_months),

    known_then as (
        select
            months.looked_month,
            dates.commitment_id,
            arg_max(dates.fulfilled_on, dates.load_id) filter (dates.fulfilled_on <= months.as_of_date) as fulfilled_on
        from core.commitment_dates as dates
        cross join months
        group by months.looked_month, dates.commitment_id
    ),

    dated as (
        select
            months.looked_month,
            months.as_of_date,
            commitments.* replace (
                coalesce(commitments.party, 'customer') as party,
                case when commitments.fulfilled_on is not null then known_then.fulfilled_on end as fulfilled_on
            ),
            -- No least() of all three: before a volume begins, nothing of it counts.
            least(months.as_of_date, commitments.to_date, contracts.terminated_on) as counted_to,
            greatest(counted_to - commitments.from_date + 1, 0) as counted_days,
            commitments.to_date - commitments.from_date + 1 as total_days
        from core.commitments as commitments
        join months on months.as_of_date >= commitments.from_date
        left join
            known_then
            on known_then.looked_month = months.looked_month
            and known_then.commitment_id = commitments.commitment_id
        left join
            core.contract_months as contracts
            on contracts.looked_month = months.looked_month
            and contracts.contract_id = commitments.contract_id
    ),

    bought as (
        select
            dated.looked_month,
            dated.commitment_id,
            sum(sales.quantity) as quantity,
            complete_sum(sales.amount, true) as amount,
            min(sales.amount_reason) as amount_reason,
            min(sales.least_unit) as least_unit,
            max(sales.greatest_unit) as greatest_unit
        from dated
        join
            core.commitment_sales as sales
            on sales.commitment_id = dated.commitment_id
            and sales.sale_date <= dated.counted_to
        group by dated.looked_month, dated.commitment_id
    ),

    explained as (
        select
            dated.*,
            dated.quantity is not null as has_quantity,
            dated.amount is not null as has_amount,
            coalesce(
                case when not has_quantity then 'no quantity is committed' end,
                case when total_days < 1 then 'to_date lies before from_date' end
            ) as committed_quantity_reason,
            coalesce(
                case when not has_amount then 'no amount is committed' end,
                case when total_days < 1 then 'to_date lies before from_date' end,
                rate_reason(rates.closing_rate, dated.currency)
            ) as committed_amount_reason,
            coalesce(
                case when not has_quantity and not has_amount then 'no volume is committed' end,
                undeclared_reason('invoices', settings.declared_feeds),
                case
                    when dated.product_id is null and dated.product_line is not null
                    then undeclared_reason('products', settings.declared_feeds)
                end
            ) as bought_reason,
            coalesce(bought_reason, units_reason(bought.least_unit <> bought.greatest_unit)) as bought_quantity_reason,
            coalesce(bought_reason, bought.amount_reason) as bought_amount_reason,
            bought.quantity as sold_quantity,
            bought.amount as sold_amount,
            rates.closing_rate,
            -- A part has a unit also while nothing of it is sold.
            coalesce(lower(products.unit), bought.least_unit) as least_unit,
            coalesce(lower(products.unit), bought.greatest_unit) as greatest_unit
        from dated
        cross join build.settings as settings
        left join bought on bought.looked_month = dated.looked_month and bought.commitment_id = dated.commitment_id
        left join core.products as products on products.product_id = dated.product_id
        left join
            core.month_rates as rates on rates.period_month = dated.looked_month and rates.currency = dated.currency
    )

select
    looked_month,
    commitment_id,
    contract_id,
    account_id,
    party,
    title,
    product_line,
    product_id,
    from_date,
    to_date,
    counted_to,
    due_date,
    fulfilled_on,
    coalesce(due_date <= as_of_date, false) as is_due,
    fulfilled_on is not null as is_fulfilled,
    coalesce(due_date < as_of_date, false) and fulfilled_on is null as is_overdue,
    has_quantity,
    has_amount,
    case
        when committed_quantity_reason is null then share_of_days(quantity, counted_days, total_days)
    end as committed_quantity,
    committed_quantity_reason,
    case
        when committed_amount_reason is null
        then converted(share_of_days(amount, counted_days, total_days), closing_rate)
    end as committed_amount,
    committed_amount_reason,
    case when bought_quantity_reason is null then coalesce(sold_quantity, 0) end as bought_quantity,
    bought_quantity_reason,
    case when bought_amount_reason is null then to_cents(coalesce(sold_amount, 0)) end as bought_amount,
    bought_amount_reason,
    least_unit,
    greatest_unit
from explained
