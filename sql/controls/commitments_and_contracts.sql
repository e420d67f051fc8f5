-- fmt: off
-- why: a commitment is missing from its contract or counts twice there, or a sale counts in a commitment that it does not fulfil
-- needs: commitments, invoices
-- Volumes of which a part is not known are left out on both sides.
-- fmt: on
with
    bought as (
        select
            status.period_month,
            status.contract_id,
            status.commitment_id as alone_id,
            status.bought_amount,
            sum(commitments.bought_amount)::decimal(36, 4) as parts_amount
        from build.contract_status as status
        left join
            build.commitments as commitments
            on commitments.period_month = status.period_month
            and coalesce(commitments.contract_id, commitments.commitment_id) = status.contract_id
            and (commitments.contract_id is null) = (status.commitment_id is not null)
            and commitments.party = 'customer'
            and commitments.committed_amount is not null
        where status.bought_amount is not null and status.committed_amount is not null
        group by status.period_month, status.contract_id, status.commitment_id, status.bought_amount
    ),

    lines as (
        select
            account_id,
            invoice_date,
            invoices.product_id,
            known(products.product_line) as product_line,
            case when document_type = 'credit_note' then - quantity else quantity end as quantity
        from core.invoices as invoices
        left join core.products as products on products.product_id = invoices.product_id
    ),

    sides as (
        select
            period_month,
            'bought under commitments, one by one = contract status' as control,
            '' as currency,
            'contract ' || contract_id as item,
            parts_amount as left_amount,
            bought_amount::decimal(36, 4) as right_amount
        from bought
        union all
        select
            commitments.period_month,
            'invoice lines in the days of commitments = bought quantity',
            'units',
            'account ' || commitments.account_id,
            lines.quantity::decimal(36, 4),
            0
        from build.commitments as commitments
        join
            lines
            on lines.account_id = commitments.account_id
            and lines.invoice_date between commitments.from_date and commitments.counted_to
            and (commitments.product_id is null or commitments.product_id = lines.product_id)
            and (
                commitments.product_line is null
                or commitments.product_id is not null
                or commitments.product_line = lines.product_line
            )
        where commitments.bought_quantity is not null
        union all
        select
            period_month,
            'invoice lines in the days of commitments = bought quantity',
            'units',
            'account ' || account_id,
            0,
            bought_quantity
        from build.commitments
    )

select period_month, control, currency, item, left_amount, right_amount
from sides
