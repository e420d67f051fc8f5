-- fmt: off
-- grain: period_month, visit_id
-- why: what customers promised in visits to pay in this month or later, and what has arrived of it. Money keeps
--   one promise only: the oldest one that it is in time for
-- method: promises-1
-- needs: visits
-- lines: core.visits by visit_id;
--   for received_*: core.promise_receipts by visit_id sums received_amount_doc = amount_doc, received_amount = amount
-- columns:
--   period_month              DATE
--   visit_id                  VARCHAR
--   account_id                VARCHAR
--   account_name              VARCHAR
--   account_manager           VARCHAR
--   document_account_manager  VARCHAR        here: Manager that the visit names, else the account's; the key figures count the promise for this one
--   promised_on               DATE           Day of the visit, else the day it was planned for
--   promised_payment_date     DATE           Day by which the customer promised to pay
--   currency                  VARCHAR        here: Currency of the promise
--   promised_amount_doc       DECIMAL(34,4)  [document currency; last in time] Amount promised
--   promised_amount           DECIMAL(32,2)  [reporting currency; last in time] promised_amount_doc at the rate of the day of the promise
--   promised_amount_reason    VARCHAR
--   received_amount_doc       DECIMAL(34,4)  [document currency; last in time; more is better] Receipts from the day of the promise to the promised day, known by the month end, up to the amount promised; each in the currency of the promise at the rate of its day
--   received_amount_doc_reason VARCHAR
--   received_amount           DECIMAL(32,2)  [reporting currency; last in time; more is better] These receipts in the reporting currency, each at the rate of its day
--   received_amount_reason    VARCHAR
--   state                     VARCHAR        kept: received in full; pending: not in full, and the promised day lies after the month end; broken: not in full, and it does not
--   state_reason              VARCHAR
--   is_due                    BOOLEAN        Whether it was promised for a day of the month: receivables_kpis counts these
-- fmt: on
select
    promises.period_month,
    promises.visit_id,
    promises.account_id,
    known(accounts.account_name) as account_name,
    known(accounts.account_manager) as account_manager,
    promises.account_manager as document_account_manager,
    promises.promised_on,
    promises.promised_payment_date,
    promises.currency,
    promises.promised_amount_doc,
    promises.promised_amount,
    promises.promised_amount_reason,
    case when reasons.no_payments is null then promises.received_amount_doc end as received_amount_doc,
    reasons.no_payments as received_amount_doc_reason,
    case when reasons.no_payments is null then promises.received_amount end as received_amount,
    coalesce(reasons.no_payments, promises.received_amount_reason) as received_amount_reason,
    case
        when coalesce(reasons.no_payments, promises.kept_reason) is not null
        then null
        when promises.is_kept
        then 'kept'
        when promises.is_due
        then 'broken'
        else 'pending'
    end as state,
    coalesce(reasons.no_payments, promises.kept_reason) as state_reason,
    promises.is_due
from core.payment_promises as promises
cross join (select undeclared_reason('payments', declared_feeds) as no_payments from build.settings) as reasons
left join core.accounts as accounts on accounts.account_id = promises.account_id
