-- fmt: off
-- grain: month built × account × manager
-- why: what is owed at the month's end and was at its beginning, in the reporting currency, with the parts that the key
--   figures count. What is current, overdue or may be lost is what invoices owe: a credit is none of it. An amount without a rate makes its sum NULL, with a reason
-- columns:
--   period_month      DATE
--   account_id        VARCHAR
--   account_manager   VARCHAR
--   closing_amount    DECIMAL(32,2)
--   closing_reason    VARCHAR
--   current_amount    DECIMAL(32,2)
--   overdue_amount    DECIMAL(32,2)
--   unapplied_amount  DECIMAL(32,2)
--   unapplied_reason  VARCHAR
--   loss_amount       DECIMAL(38,8)
--   loss_reason       VARCHAR
--   opening_amount    DECIMAL(32,2)
--   opening_reason    VARCHAR
--   due_amount        DECIMAL(32,2)
--   due_reason        VARCHAR
-- fmt: on
with
    closing as (
        select
            items.period_month,
            items.account_id,
            items.account_manager,
            complete_sum(items.outstanding_amount, true) as closing_amount,
            min(items.rate_reason) as closing_reason,
            complete_sum(items.outstanding_amount, items.is_owed and items.days_overdue <= 0) as current_amount,
            complete_sum(items.outstanding_amount, items.is_owed and items.days_overdue > 0) as overdue_amount,
            complete_sum(- items.outstanding_amount, items.item_type = 'unapplied_cash') as unapplied_amount,
            min(items.rate_reason) filter (where items.item_type = 'unapplied_cash') as unapplied_reason,
            complete_sum(items.outstanding_amount::decimal(38, 2) * buckets.loss_rate, items.is_owed) as loss_amount,
            min(
                case
                    when buckets.loss_rate is null
                    then 'bucket ' || items.bucket || ' has no loss rate'
                    else items.rate_reason
                end
            ) filter (where items.is_owed) as loss_reason
        from
            (
                select *, item_type = 'invoice' and outstanding_amount_doc > 0 as is_owed
                from core.receivable_open_items
            ) as items
        join build.bucket_bounds as buckets using (bucket_no)
        semi join core.receivable_periods as periods on periods.closing_no = items.snapshot_no
        group by items.period_month, items.account_id, items.account_manager
    ),

    opening_items as (
        select
            periods.period_month,
            items.account_id,
            items.account_manager,
            items.outstanding_amount,
            items.rate_reason,
            items.item_type = 'invoice' and items.due_date <= periods.as_of_date as is_due
        from core.receivable_open_items as items
        join core.receivable_periods as periods on periods.opening_no = items.snapshot_no
    ),

    opening as (
        select
            period_month,
            account_id,
            account_manager,
            complete_sum(outstanding_amount, true) as opening_amount,
            min(rate_reason) as opening_reason,
            complete_sum(outstanding_amount, is_due) as due_amount,
            min(rate_reason) filter (where is_due) as due_reason
        from opening_items
        group by period_month, account_id, account_manager
    )

select
    period_month,
    account_id,
    account_manager,
    closing.closing_amount::decimal(32, 2) as closing_amount,
    closing.closing_reason,
    closing.current_amount::decimal(32, 2) as current_amount,
    closing.overdue_amount::decimal(32, 2) as overdue_amount,
    closing.unapplied_amount::decimal(32, 2) as unapplied_amount,
    closing.unapplied_reason,
    closing.loss_amount::decimal(38, 8) as loss_amount,
    closing.loss_reason,
    opening.opening_amount::decimal(32, 2) as opening_amount,
    opening.opening_reason,
    opening.due_amount::decimal(32, 2) as due_amount,
    opening.due_reason
from closing
full join opening using (period_month, account_id, account_manager)
