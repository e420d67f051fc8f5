-- fmt: off
-- grain: period_month, item_type, document_id, line_no, instalment_no
-- why: the open items as they stood at the month end, whatever came later, so a rebuilt month equals the closed one.
-- method: receivables-ageing-1
-- needs: receivables
-- renamed: rate_reason to outstanding_amount_reason, book_rate_reason to book_amount_reason, unapplied_reason to unapplied_cause, account_manager to document_account_manager
-- lines: core.invoices by invoice_id = document_id where figure.item_type <> 'unapplied_cash';
--   core.instalments by invoice_id = document_id, instalment_no where figure.item_type = 'invoice';
--   core.payments by invoice_id = document_id where figure.item_type = 'invoice' and line.payment_date <= figure.as_of_date;
--   core.invoices by reference_invoice_id = document_id where figure.item_type = 'invoice' and line.invoice_date <= figure.as_of_date;
--   core.payments by payment_id = document_id, line_no where figure.item_type = 'unapplied_cash'
-- columns:
--   period_month               DATE
--   as_of_date                 DATE           The month end at which the item was open
--   account_id                 VARCHAR        here: Account that owes; for cash and credits the account that paid or was credited
--   account_name               VARCHAR
--   account_manager            VARCHAR
--   document_account_manager   VARCHAR
--   item_type                  VARCHAR        invoice (an instalment of an invoice or debit note), credit or unapplied_cash
--   document_type              VARCHAR        What the source calls the document: invoice, debit_note, credit_note, receipt, discount, write_off or refund
--   document_id                VARCHAR        The invoice, credit note or payment
--   line_no                    BIGINT         [number; none] Line of the payment; of an invoice or credit note the first line of the item
--   instalment_no              BIGINT         [number; none] Number of the instalment; 1 without instalments
--   document_date              DATE           Date of the document
--   due_date                   DATE           Date due; for credits and cash the document date
--   due_date_source            VARCHAR        Where the due date comes from: instalment, document, payment terms or document date
--   currency                   VARCHAR
--   original_amount_doc        DECIMAL(34,4)  [document currency; last in time] Amount of the item, tax included; credits and cash negative
--   paid_amount_doc            DECIMAL(34,4)  [document currency; last in time] Cash applied := receipts + discounts − refunds
--   credited_amount_doc        DECIMAL(34,4)  [document currency; last in time] Credit notes applied
--   written_off_amount_doc     DECIMAL(34,4)  [document currency; last in time; less is better] Write-offs applied
--   paid_amount_doc_reason     VARCHAR        Why paid_amount_doc and written_off_amount_doc are undefined; without payments all that was billed counts as open
--   outstanding_amount_doc     DECIMAL(34,4)  [document currency; last in time] What is open := original − paid − credited − written off
--   outstanding_amount         DECIMAL(32,2)
--   rate                       DECIMAL(18,10) [reporting currency per unit; none] The rate of outstanding_amount
--   rate_source                VARCHAR        Kind of that rate: spot, average (no spot rate by then) or reporting
--   outstanding_amount_reason  VARCHAR
--   book_amount                DECIMAL(32,2)  [reporting currency; last in time] What is open, at the rate of the document date
--   book_amount_reason         VARCHAR
--   unrealised_fx              DECIMAL(32,2)  [reporting currency; last in time] Gain or loss on the open amount since the document date := outstanding_amount − book_amount
--   days_overdue               BIGINT         [days; none; less is better] Days from the due date to the month end; not yet due is negative := as_of_date − due_date
--   age_days                   BIGINT         [days; none] Days that decide the bucket := as_of_date − the date named by bucket_basis
--   bucket_no                  BIGINT
--   bucket                     VARCHAR
--   bucket_basis               VARCHAR        Date the bucket counts from: due_date, invoice_date, or document_date for credits and cash
--   disputed                   BOOLEAN        Whether the customer disputes the document
--   unapplied_cause            VARCHAR        Why a credit or cash is not on an invoice; NULL for invoices
-- fmt: on
select
    items.period_month,
    items.as_of_date,
    items.account_id,
    known(accounts.account_name) as account_name,
    known(accounts.account_manager) as account_manager,
    items.account_manager as document_account_manager,
    items.item_type,
    items.document_type,
    items.document_id,
    items.line_no,
    items.instalment_no,
    items.document_date,
    items.due_date,
    items.due_date_source,
    items.currency,
    items.original_amount_doc,
    case when settings.no_payments is null then items.paid_amount_doc end as paid_amount_doc,
    items.credited_amount_doc,
    case when settings.no_payments is null then items.written_off_amount_doc end as written_off_amount_doc,
    settings.no_payments as paid_amount_doc_reason,
    items.outstanding_amount_doc,
    items.outstanding_amount,
    items.closing_rate as rate,
    items.closing_rate_source as rate_source,
    items.rate_reason as outstanding_amount_reason,
    items.book_amount,
    items.book_rate_reason as book_amount_reason,
    items.outstanding_amount - items.book_amount as unrealised_fx,
    items.days_overdue,
    items.age_days,
    items.bucket_no,
    items.bucket,
    items.bucket_basis,
    items.disputed,
    items.unapplied_reason as unapplied_cause
from core.receivable_open_items as items
semi join build.periods as periods on periods.period_month = items.period_month
cross join (select undeclared_reason('payments', declared_feeds) as no_payments from build.settings) as settings
left join core.accounts as accounts on accounts.account_id = items.account_id
