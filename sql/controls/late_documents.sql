-- fmt: off
-- why: the balance that was published for the month before changed, and no document that arrived since explains it; close
--   that month again with --restate
-- needs: receivables
-- What is open in all is a sum of documents, so what arrived or was corrected since the last closing is the adjustment.
-- A month that is built on the month before from the same knowledge has nothing late. Staging has what the source said.
-- Corrections are applied on top: the current ones to what is known now, those of the version to what was known then.
-- fmt: on
with
    openings as (
        select
            periods.period_month,
            before.as_of_date,
            closes.period_month as version_month,
            closes.close_version,
            coalesce(closes.as_of_load, getvariable('as_of_load')) as known_then
        from build.periods as periods
        join core.months as before on before.month_index = periods.month_index - 1
        left join
            ops.closes as closes
            on closes.period_month = before.period_month
            and closes.close_version = periods.previous_version
        where closes.as_of_load is not null or before.period_month in (select period_month from build.periods)
    ),

    first_change as (select least(min(known_then), getvariable('as_of_load')) as load_id from openings),

    reporting as (select reporting_currency from build.settings),

    documents as (
        select
            load_id,
            superseded_load_id,
            invoice_date as document_date,
            account_id,
            currency,
            case when document_type = 'credit_note' then - 1 else 1 end
            * (net_amount::decimal(34, 4) + tax_amount) as amount
        from staging.invoices
        union all
        select
            load_id,
            superseded_load_id,
            payment_date,
            account_id,
            currency,
            case when payment_type = 'refund' then amount else - amount end
        from staging.payments
    ),

    changed as (
        select
            openings.period_month,
            documents.account_id,
            coalesce(documents.currency, reporting.reporting_currency) as currency,
            documents.amount,
            documents.load_id <= getvariable('as_of_load')
            and coalesce(documents.superseded_load_id > getvariable('as_of_load'), true) as is_known_now,
            documents.load_id <= openings.known_then
            and coalesce(documents.superseded_load_id > openings.known_then, true) as was_known_then
        from documents
        cross join reporting
        join openings on documents.document_date <= openings.as_of_date
        where
            documents.load_id > (select load_id from first_change)
            or documents.superseded_load_id > (select load_id from first_change)
    ),

    -- An empty cell is '' here: a column without an entry has NULL.
    corrections as (
        select
            openings.period_month,
            openings.as_of_date,
            getvariable('as_of_load') as known,
            1 as sign,
            in_force.feed,
            in_force.key_values,
            map_from_entries(list((in_force.column_name, coalesce(in_force.right_value, '')))) as right_values
        from openings
        cross join build.corrections as in_force
        where
            openings.close_version is not null
            and in_force.state = 'applied'
            and in_force.feed in ('invoices', 'payments')
        group by all
        union all
        select
            openings.period_month,
            openings.as_of_date,
            openings.known_then,
            -1,
            before.feed,
            before.key_values,
            map_from_entries(list((before.column_name, coalesce(before.right_value, ''))))
        from openings
        join
            ops.corrections as before
            on before.period_month = openings.version_month
            and before.close_version = openings.close_version
        where before.state = 'applied' and before.feed in ('invoices', 'payments')
        group by all
    ),

    -- The right row comes in and the row as the source has it goes out.
    replacements as (
        select *
        from corrections
        union all
        select * replace (- sign as sign, map{}::map(varchar, varchar) as right_values)
        from corrections
    ),

    corrected_lines as (
        select
            replacements.period_month,
            replacements.as_of_date,
            replacements.sign,
            lines.invoice_id,
            coalesce(right_values['document_type'], lines.document_type) as document_type,
            coalesce(right_values['invoice_date'], lines.invoice_date::varchar)::date as document_date,
            coalesce(right_values['account_id'], lines.account_id) as account_id,
            nullif(coalesce(right_values['currency'], lines.currency), '') as currency,
            coalesce(right_values['net_amount'], lines.net_amount::varchar)::decimal(34, 4)
            + coalesce(right_values['tax_amount'], lines.tax_amount::varchar)::decimal(34, 4) as amount,
            nullif(
                coalesce(right_values['reference_invoice_id'], lines.reference_invoice_id), ''
            ) as reference_invoice_id
        from replacements
        join
            staging.invoices as lines
            on lines.invoice_id = (replacements.key_values ->> '$.invoice_id')
            and lines.line_no = (replacements.key_values ->> '$.line_no')::integer
        where
            replacements.feed = 'invoices'
            and lines.load_id <= replacements.known
            and coalesce(lines.superseded_load_id > replacements.known, true)
    ),

    corrected_payments as (
        select
            replacements.period_month,
            replacements.as_of_date,
            replacements.sign,
            coalesce(right_values['payment_type'], lines.payment_type) as payment_type,
            coalesce(right_values['payment_date'], lines.payment_date::varchar)::date as document_date,
            coalesce(right_values['account_id'], lines.account_id) as account_id,
            nullif(coalesce(right_values['currency'], lines.currency), '') as currency,
            coalesce(right_values['amount'], lines.amount::varchar)::decimal(34, 4) as amount,
            nullif(coalesce(right_values['invoice_id'], lines.invoice_id), '') as invoice_id
        from replacements
        join
            staging.payments as lines
            on lines.payment_id = (replacements.key_values ->> '$.payment_id')
            and lines.line_no = (replacements.key_values ->> '$.line_no')::integer
        where
            replacements.feed = 'payments'
            and lines.load_id <= replacements.known
            and coalesce(lines.superseded_load_id > replacements.known, true)
    ),

    corrected_documents as (
        select
            period_month,
            as_of_date,
            document_date,
            account_id,
            currency,
            case when document_type = 'credit_note' then - sign else sign end * amount as amount
        from corrected_lines
        union all
        select
            period_month,
            as_of_date,
            document_date,
            account_id,
            currency,
            case when payment_type = 'refund' then sign else - sign end * amount
        from corrected_payments
    ),

    sides as (
        select
            period_month,
            account_id,
            currency,
            case when is_known_now then amount else - amount end as late_amount,
            0 as adjustment
        from changed
        where is_known_now <> was_known_then
        union all
        select period_month, account_id, coalesce(currency, reporting_currency), amount, 0
        from corrected_documents
        cross join reporting
        where document_date <= as_of_date
        union all
        select
            rollforward.period_month,
            rollforward.account_id,
            rollforward.currency,
            0,
            rollforward.prior_period_adjustment_doc
        from build.receivables_rollforward as rollforward
        semi join openings using (period_month)
    ),

    accounts as (
        select period_month, account_id, currency, sum(late_amount) as late_amount, sum(adjustment) as adjustment
        from sides
        group by period_month, account_id, currency
    ),

    untied as (select distinct account_id from accounts where late_amount <> adjustment),

    -- A settlement belongs to the account of the document that it names, and without a currency of its own to
    -- its currency.
    settlements as (
        select account_id, invoice_id, currency is null as takes_currency
        from staging.payments
        where invoice_id is not null
        union all
        select account_id, reference_invoice_id, false
        from staging.invoices
        where reference_invoice_id is not null
        union all
        select account_id, invoice_id, currency is null
        from corrected_payments
        where invoice_id is not null
        union all
        select account_id, reference_invoice_id, false
        from corrected_lines
        where reference_invoice_id is not null
    ),

    invoices as (
        select distinct
            invoice_id, account_id, coalesce(currency, reporting_currency) <> reporting_currency as is_foreign
        from
            (
                select invoice_id, account_id, currency
                from staging.invoices
                union all
                select invoice_id, account_id, currency
                from corrected_lines
            ) as named
        cross join reporting
    ),

    links as (
        select settlements.account_id, invoices.account_id as invoice_account_id, takes_currency and is_foreign as moves
        from (from settlements semi join untied using (account_id)) as settlements
        join invoices using (invoice_id)
        union all
        select settlements.account_id, invoices.account_id, takes_currency and is_foreign
        from settlements
        join (from invoices semi join untied using (account_id)) as invoices using (invoice_id)
    ),

    linked as (
        select unnest([account_id, invoice_account_id]) as account_id
        from links
        where account_id <> invoice_account_id or moves
    ),

    moved as (
        select *, late_amount <> adjustment and account_id in (select account_id from linked) as is_moved from accounts
    ),

    -- Where a late document moved money between accounts or currencies, those concerned tie together. If they do
    -- not, each is compared alone, so that the difference has a name.
    pooled as (
        select *, is_moved and sum(late_amount - adjustment) over (partition by period_month, is_moved) = 0 as is_pooled
        from moved
    )

select
    period_month,
    'documents late for closed months = prior period adjustment' as control,
    case when is_pooled then 'all' else currency end as currency,
    case
        when is_pooled then 'accounts that settle across accounts or currencies' else 'account ' || account_id
    end as item,
    late_amount as left_amount,
    adjustment as right_amount
from pooled
