-- Account × part: plan and sales of the month and the year to date, and the bridge between them for the month.
with
    plan as (
        select
            plan.plan_version, plan.month, plan.account_id, plan.product_id, plan.currency,
            plan.quantity as plan_quantity,
            (plan.quantity * plan.unit_price)::decimal(28, 8) * rates.budget_rate as plan_amount
        from {{ ref('stg_sales_plan') }} as plan
        join {{ ref('month_rates') }} as rates on rates.month = plan.month and rates.currency = plan.currency
        where year(plan.month) = year({{ month() }}) and plan.month <= {{ month() }}
    ),

    sold as (
        select
            date_trunc('month', invoice_date)::date as month, account_id, product_id, currency,
            sum(case when document_type = 'credit_note' then -quantity else quantity end) as quantity,
            sum(case when document_type = 'credit_note' then -net_amount else net_amount end) filter (quantity is not null) as amount_doc,
            sum(-net_amount) filter (quantity is null) as other_doc
        from {{ ref('stg_invoices') }}
        where
            invoice_date between date_trunc('year', {{ month() }}) and {{ month_end() }}
            or date_trunc('month', invoice_date) = {{ month() }} - interval 12 month
        group by all
    ),

    months as (
        select
            month, account_id, product_id, plan_quantity, plan_amount, null as quantity, null as amount, null as other_amount,
            null as at_plan_rate
        from plan
        union all
        select
            sold.month, account_id, product_id, null, null, quantity,
            coalesce(amount_doc, 0)::decimal(24, 4) * average_rate, coalesce(other_doc, 0)::decimal(24, 4) * average_rate,
            coalesce(amount_doc, 0)::decimal(24, 4) * budget_rate
        from sold
        join {{ ref('month_rates') }} as rates on rates.month = sold.month and rates.currency = sold.currency
    ),

    items as (
        select
            account_id, product_id,
            coalesce(sum(plan_quantity) filter (month = {{ month() }}), 0) as plan_quantity,
            coalesce(sum(plan_amount) filter (month = {{ month() }}), 0) as plan_amount,
            coalesce(sum(quantity) filter (month = {{ month() }}), 0) as quantity,
            -- Rebates alone have no quantity.
            case when count(amount) filter (month = {{ month() }}) = 0 then 0 else sum(quantity) filter (month = {{ month() }}) end as actual_quantity,
            coalesce(sum(amount) filter (month = {{ month() }}), 0) as amount,
            coalesce(sum(other_amount) filter (month = {{ month() }}), 0) as other_amount,
            coalesce(sum(at_plan_rate) filter (month = {{ month() }}), 0) as at_plan_rate,
            coalesce(sum(plan_amount), 0) as ytd_plan_amount,
            coalesce(sum(amount + other_amount) filter (year(month) = year({{ month() }})), 0) as ytd_actual_amount,
            coalesce(sum(amount + other_amount) filter (month = {{ month() }} - interval 12 month), 0) as prior_year_amount
        from months
        group by account_id, product_id
    ),

    -- Q0 and Q1 of an account: what its continuing items were planned to sell and sold.
    bridged as (
        select
            *,
            plan_quantity > 0 and quantity > 0 as is_continuing,
            sum(plan_quantity) filter (plan_quantity > 0 and quantity > 0) over account as group_plan,
            sum(quantity) filter (plan_quantity > 0 and quantity > 0) over account as group_sold
        from items
        window account as (partition by account_id)
    ),

    effects as (
        select
            *,
            round(amount + other_amount, 2) - round(plan_amount, 2) as variance,
            case
                when is_continuing then round((plan_amount::double * (group_sold::double - group_plan::double) / group_plan::double)::decimal(36, 6), 2)
                else 0
            end as volume_effect,
            case
                when is_continuing then round((at_plan_rate::double - plan_amount::double * quantity::double / plan_quantity::double)::decimal(36, 6), 2)
                else 0
            end as price_effect,
            case when quantity > 0 then round(amount - at_plan_rate, 2) else 0 end as fx_effect,
            case when quantity > 0 and not is_continuing then round(at_plan_rate, 2) else 0 end as new_effect,
            case when plan_quantity > 0 and not is_continuing then -round(plan_amount, 2) else 0 end as lost_effect,
            round(other_amount + case when quantity > 0 then 0 else amount end, 2) as adjustment_effect
        from bridged
    )

select
    'B' || year({{ month() }}) as plan_version, account_id, product_id, plan_quantity,
    round(plan_amount, 2) as plan_amount,
    actual_quantity,
    round(amount + other_amount, 2) as actual_amount,
    variance as variance_amount,
    case when plan_amount > 0 then variance::double / round(plan_amount, 2)::double end as variance_ratio,
    volume_effect, price_effect, fx_effect, new_effect, lost_effect, adjustment_effect,
    variance - volume_effect - price_effect - fx_effect - new_effect - lost_effect - adjustment_effect as mix_effect,
    round(ytd_plan_amount, 2) as ytd_plan_amount,
    round(ytd_actual_amount, 2) as ytd_actual_amount,
    round(prior_year_amount, 2) as prior_year_amount
from effects
