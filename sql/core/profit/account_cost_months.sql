-- fmt: off
-- grain: month looked back on × account with costs of serving it
-- why: what it costs to serve an account beside the goods: the costs that the feed names, its visits and the money tied up in
--   what it owes. What the site does not record is left out and says so; what has no exchange rate is unknown
-- columns:
--   looked_month              DATE
--   account_id                VARCHAR
--   freight_amount            DECIMAL(38,2)
--   rebate_amount             DECIMAL(38,2)
--   warranty_amount           DECIMAL(38,2)
--   service_amount            DECIMAL(38,2)
--   other_amount              DECIMAL(38,2)
--   cost_reason               VARCHAR
--   visit_cost_amount         DECIMAL(38,2)
--   visit_cost_reason         VARCHAR
--   receivables_cost_amount   DECIMAL(38,2)
--   receivables_cost_reason   VARCHAR
-- fmt: on
with
    months as (select distinct looked_month, as_of_date from core.looked_months),

    of_accounts as (
        select
            months.looked_month,
            costs.account_id,
            costs.cost_type,
            converted(costs.amount, rates.closing_rate) as amount,
            rate_reason(rates.closing_rate, costs.currency) as reason
        from core.account_costs as costs
        join months on months.looked_month = costs.month
        left join core.month_rates as rates on rates.period_month = costs.month and rates.currency = costs.currency
    ),

    of_visits as (
        select
            period_month as looked_month,
            account_id,
            'visit' as cost_type,
            cost as amount,
            case when cost is null then amount_reason end as reason
        from core.visit_months
        where has_cost
    ),

    balances as (
        select
            months.looked_month,
            items.account_id,
            complete_sum(items.outstanding_amount, true) as closing_amount,
            min(items.rate_reason) as reason
        from core.receivable_open_items as items
        join months on months.looked_month = items.period_month
        where (select receivables_rate from build.settings) > 0
        group by months.looked_month, items.account_id
    ),

    costs as (
        from of_accounts
        union all by name
        from of_visits
        union all by name
        select
            looked_month,
            account_id,
            'receivables' as cost_type,
            money_round(closing_amount::decimal(38, 2) * settings.receivables_rate / 12) as amount,
            reason
        from balances
        cross join build.settings as settings
    )

select
    looked_month,
    account_id,
    reasoned_sum(amount, reason, cost_type = 'freight')::decimal(38, 2) as freight_amount,
    reasoned_sum(amount, reason, cost_type = 'rebate')::decimal(38, 2) as rebate_amount,
    reasoned_sum(amount, reason, cost_type = 'warranty')::decimal(38, 2) as warranty_amount,
    reasoned_sum(amount, reason, cost_type = 'service')::decimal(38, 2) as service_amount,
    reasoned_sum(amount, reason, cost_type = 'other')::decimal(38, 2) as other_amount,
    min(reason) filter (cost_type not in ('visit', 'receivables')) as cost_reason,
    reasoned_sum(amount, reason, cost_type = 'visit')::decimal(38, 2) as visit_cost_amount,
    min(reason) filter (cost_type = 'visit') as visit_cost_reason,
    reasoned_sum(amount, reason, cost_type = 'receivables')::decimal(38, 2) as receivables_cost_amount,
    min(reason) filter (cost_type = 'receivables') as receivables_cost_reason
from costs
where account_id is not null
group by looked_month, account_id
