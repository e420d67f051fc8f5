-- fmt: off
-- grain: settlement × state of its invoice, where a part of it is more than the invoice could take
-- why: the excess stays open with whoever paid or was credited; it is taken from the newest settlement of its kind
-- columns:
--   document_id              VARCHAR
--   line_no                  INTEGER
--   lane                     VARCHAR
--   account_id               VARCHAR
--   account_manager          VARCHAR
--   currency                 VARCHAR
--   document_date            DATE
--   disputed                 BOOLEAN
--   amount_doc               DECIMAL(34,4)
--   invoice_account_id       VARCHAR
--   invoice_account_manager  VARCHAR
--   valid_from               DATE
--   valid_to                 DATE
--   first_snapshot_no        INTEGER
--   end_snapshot_no          INTEGER
--   excess_amount_doc        DECIMAL(34,4)
-- fmt: on
with
    excess as (
        select
            invoice_id,
            valid_from,
            valid_to,
            first_snapshot_no,
            end_snapshot_no,
            greatest(cash_doc - gross_amount_doc, 0) as cash_excess,
            greatest(written_off_doc - greatest(gross_amount_doc - cash_doc, 0), 0) as write_off_excess,
            greatest(credited_doc - greatest(gross_amount_doc - cash_doc - written_off_doc, 0), 0) as credit_excess
        from core.receivable_states
        where gross_amount_doc - cash_doc - written_off_doc - credited_doc < 0
    ),

    by_kind as (
        select * exclude (cash_excess, write_off_excess, credit_excess), 'cash' as kind, cash_excess as excess_doc
        from excess
        union all
        select * exclude (cash_excess, write_off_excess, credit_excess), 'written_off', write_off_excess
        from excess
        union all
        select * exclude (cash_excess, write_off_excess, credit_excess), 'credited', credit_excess
        from excess
    ),

    settlements as (
        select *, case when lane in ('received', 'discount') then 'cash' else lane end as kind
        from core.receivable_settlements
        where applied_from is not null and lane <> 'refunded'
    ),

    newest_first as (
        select
            settlements.document_id,
            settlements.line_no,
            settlements.lane,
            settlements.account_id,
            settlements.account_manager,
            settlements.currency,
            settlements.document_date,
            settlements.disputed,
            settlements.amount_doc,
            settlements.invoice_account_id,
            settlements.invoice_account_manager,
            by_kind.valid_from,
            by_kind.valid_to,
            by_kind.first_snapshot_no,
            by_kind.end_snapshot_no,
            by_kind.excess_doc,
            -- Of one day, money comes before a discount: the excess can then be paid back.
            coalesce(
                sum(settlements.amount_doc) over (
                    partition by by_kind.invoice_id, by_kind.kind, by_kind.valid_from
                    order by
                        settlements.document_date desc,
                        settlements.lane desc,
                        settlements.document_id desc,
                        settlements.line_no desc
                    rows between unbounded preceding and 1 preceding
                ),
                0
            ) as newer_doc
        from by_kind
        join
            settlements
            on settlements.invoice_id = by_kind.invoice_id
            and settlements.kind = by_kind.kind
            and settlements.applied_from <= by_kind.valid_from
        where by_kind.excess_doc > 0
    )

select
    document_id,
    line_no,
    lane,
    account_id,
    account_manager,
    currency,
    document_date,
    disputed,
    amount_doc,
    invoice_account_id,
    invoice_account_manager,
    valid_from,
    valid_to,
    first_snapshot_no,
    end_snapshot_no,
    least(excess_doc - newer_doc, amount_doc)::decimal(34, 4) as excess_amount_doc
from newest_first
where excess_doc > newer_doc and amount_doc > 0
