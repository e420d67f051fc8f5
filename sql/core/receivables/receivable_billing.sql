-- fmt: off
-- grain: business month × account × manager
-- why: what was billed less what was credited, tax included, at the rates of the document dates, for every month there
--   is: a countback needs as many as make up the balance. A document before the first rate of its currency is left out, and
--   a check names it
-- columns:
--   month_index      INTEGER
--   account_id       VARCHAR
--   account_manager  VARCHAR
--   amount           DECIMAL(32,2)
--   reason           VARCHAR
-- fmt: on
with
    lines as (
        select account_id, account_manager, document_date, currency, gross_amount_doc as amount_doc
        from core.receivable_documents
        union all
        select account_id, account_manager, document_date, currency, - amount_doc
        from core.receivable_settlements
        where lane = 'credited'
    )

select
    cutoffs.month_index,
    lines.account_id,
    lines.account_manager,
    sum(converted(lines.amount_doc, rates.rate))::decimal(32, 2) as amount,
    case
        when count(rates.rate) = 0 then min(rate_reason(rates.rate, lines.currency) || ' at a document date')
    end as reason
from lines
join core.receivable_cutoffs as cutoffs on cutoffs.calendar_date = lines.document_date
left join core.daily_rates as rates on rates.currency = lines.currency and rates.rate_date = lines.document_date
group by cutoffs.month_index, lines.account_id, lines.account_manager
