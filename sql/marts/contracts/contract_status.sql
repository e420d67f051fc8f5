-- fmt: off
-- grain: period_month, contract_id, commitment_id
-- why: how each contract stands at the month end: its state from its dates, until when notice can be given, and what of its commitments
--   is done or bought. A contract has a row from the first day that it names; a commitment without a contract has a row of its own
-- method: contract-status-1
-- needs: contracts|commitments
-- lines: core.contracts by contract_id;
--   for commitments_*, committed_*, bought_*, fulfilment_ratio: core.commitment_months by looked_month = period_month where
--     coalesce(line.contract_id, line.commitment_id) is not distinct from coalesce(figure.contract_id, figure.commitment_id) and
--     (figure.commitment_id is null or line.commitment_id = figure.commitment_id) sums commitments_due = is_due, commitments_fulfilled =
--     is_due and is_fulfilled, {}_quantity = case when has_quantity and party = 'customer' then {}_quantity end, {}_amount = case when
--     has_amount and party = 'customer' then {}_amount end
-- columns:
--   period_month               DATE
--   contract_id                VARCHAR        The contract; the commitment where this belongs to none
--   commitment_id              VARCHAR        The commitment that stands alone; NULL in rows of contracts
--   account_id                 VARCHAR
--   account_name               VARCHAR
--   account_manager            VARCHAR
--   title                      VARCHAR        What the contract is about
--   state                      VARCHAR        State at the month end, the first that holds: terminated, expired (it ended and is not renewed), draft (a signature is missing), signed (it begins later), notice (the day for notice has come), running source: Salesforce, contract
--   state_reason               VARCHAR
--   start_date                 DATE           First day on which it holds
--   end_date                   DATE           Last day of its present term: where it is renewed automatically, 12 months are added until it ends at the month end or later
--   notice_by                  DATE           Day by which notice has to be given for this end := end_date − notice_days
--   days_to_end                BIGINT         [days; none] Days from the month end to end_date
--   days_to_end_reason         VARCHAR
--   days_to_notice             BIGINT         [days; none] Days from the month end to notice_by; negative = it is past
--   days_to_notice_reason      VARCHAR
--   is_renewed_automatically   BOOLEAN        Whether it is renewed where nobody gives notice
--   signed_by_us               DATE           Day on which we signed, by the month end
--   signed_by_customer         DATE           Day on which the customer signed, by the month end
--   terminated_on              DATE           Day on which it was terminated, by the month end
--   payment_terms_days         BIGINT         [days; none] Days to pay that it grants
--   commitments_due            BIGINT         [count; last in time] Commitments whose due date has come by the month end
--   commitments_due_reason     VARCHAR
--   commitments_fulfilled      BIGINT         [count; last in time; more is better] Of these, the ones that were done by then
--   commitments_fulfilled_reason VARCHAR
--   committed_quantity         DECIMAL(34,4)  [units of the item; last in time] Quantity that the customer was to buy by now, of the commitments that name a quantity
--   committed_quantity_reason  VARCHAR
--   bought_quantity            DECIMAL(34,4)  [units of the item; last in time; more is better] What was bought under these: net quantity invoiced, credit notes negative
--   bought_quantity_reason     VARCHAR
--   committed_amount           DECIMAL(32,2)  [reporting currency; last in time] Amount that the customer was to buy by now, of the commitments that name an amount
--   committed_amount_reason    VARCHAR
--   bought_amount              DECIMAL(32,2)  [reporting currency; last in time; more is better] What was bought under these: net amount invoiced, credit notes negative
--   bought_amount_reason       VARCHAR
--   fulfilment_ratio           DECIMAL(36,6)  [fraction; none; more is better] Share of the committed volume that was bought: of the amounts, else of the quantities := bought_amount ÷ committed_amount, else bought_quantity ÷ committed_quantity
--   fulfilment_ratio_reason    VARCHAR
-- fmt: on
with
    rows_of_months as (
        select
            coalesce(contracts.looked_month, volumes.looked_month) as period_month,
            coalesce(contracts.contract_id, volumes.contract_id) as contract_id,
            coalesce(contracts.account_id, volumes.account_id) as account_id,
            contracts.* exclude (looked_month, contract_id, account_id),
            volumes.* exclude (looked_month, contract_id, account_id),
            volumes.contract_id is not null as has_commitments
        from core.contract_months as contracts
        full join
            core.contract_volumes as volumes
            on volumes.looked_month = contracts.looked_month
            and volumes.contract_id = contracts.contract_id
            and volumes.commitment_id is null
    ),

    explained as (
        select
            rows_of_months.* exclude (
                committed_quantity_reason, bought_quantity_reason, committed_amount_reason, bought_amount_reason
            ),
            case
                when state is not null
                then null
                when commitment_id is not null
                then 'the commitment belongs to no contract'
                else coalesce(undeclared_reason('contracts', settings.declared_feeds), 'the contract is not known')
            end as state_reason,
            undeclared_reason('commitments', settings.declared_feeds) as no_commitments,
            case when not has_commitments then 'no commitments' end as nothing,
            coalesce(no_commitments, nothing, committed_quantity_reason) as committed_quantity_reason,
            coalesce(no_commitments, nothing, bought_quantity_reason) as bought_quantity_reason,
            coalesce(no_commitments, nothing, committed_amount_reason) as committed_amount_reason,
            coalesce(no_commitments, nothing, bought_amount_reason) as bought_amount_reason,
            coalesce(committed_amount_reason = 'no amount is committed', false) as is_by_quantity,
            case
                when is_by_quantity
                then ratio(bought_quantity, committed_quantity)
                else ratio(bought_amount, committed_amount)
            end as fulfilment
        from rows_of_months
        semi join build.periods as periods on periods.period_month = rows_of_months.period_month
        cross join build.settings as settings
    )

select
    explained.* replace (
        case when no_commitments is null then coalesce(commitments_due, 0) end as commitments_due,
        case when no_commitments is null then coalesce(commitments_fulfilled, 0) end as commitments_fulfilled,
        coalesce(days_to_end_reason, state_reason) as days_to_end_reason,
        coalesce(days_to_notice_reason, state_reason) as days_to_notice_reason
    ),
    no_commitments as commitments_due_reason,
    no_commitments as commitments_fulfilled_reason,
    shown_ratio(fulfilment) as fulfilment_ratio,
    case
        when fulfilment is null
        then
            coalesce(
                no_commitments,
                nothing,
                case
                    when is_by_quantity and committed_quantity_reason = 'no quantity is committed'
                    then 'no volume is committed'
                    when is_by_quantity
                    then coalesce(committed_quantity_reason, bought_quantity_reason)
                    else coalesce(committed_amount_reason, bought_amount_reason)
                end,
                'nothing is committed by the month end'
            )
    end as fulfilment_ratio_reason,
    known(accounts.account_name) as account_name,
    known(accounts.account_manager) as account_manager
from explained
left join core.accounts as accounts on accounts.account_id = explained.account_id
