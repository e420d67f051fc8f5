-- fmt: off
-- grain: month looked back on × contract, or commitment that names none
-- why: what the commitments of a contract add up to. Volumes are those that the customer is to buy: the same volume may be promised by
--   both sides. Amounts are compared with amounts, quantities with quantities
-- columns:
--   looked_month                DATE
--   contract_id                 VARCHAR
--   commitment_id               VARCHAR
--   account_id                  VARCHAR
--   commitments_due             BIGINT
--   commitments_fulfilled       BIGINT
--   committed_quantity          DECIMAL(38,4)
--   committed_quantity_reason   VARCHAR
--   bought_quantity             DECIMAL(38,4)
--   bought_quantity_reason      VARCHAR
--   committed_amount            DECIMAL(32,2)
--   committed_amount_reason     VARCHAR
--   bought_amount               DECIMAL(32,2)
--   bought_amount_reason        VARCHAR
-- fmt: on
with
    counted as (
        select
            *,
            case when contract_id is null then commitment_id end as alone_id,
            has_quantity and party = 'customer' as is_quantity,
            has_amount and party = 'customer' as is_amount
        from core.commitment_months
    ),

    sums as (
        select
            looked_month,
            coalesce(contract_id, alone_id) as contract_id,
            alone_id as commitment_id,
            min(account_id) as account_id,
            count_if(is_due)::bigint as commitments_due,
            count_if(is_due and is_fulfilled)::bigint as commitments_fulfilled,
            bool_or(is_quantity) as has_quantity,
            bool_or(is_amount) as has_amount,
            units_reason(
                min(least_unit) filter (is_quantity) <> max(greatest_unit) filter (is_quantity)
            ) as unit_reason,
            min(committed_quantity_reason) filter (is_quantity) as committed_quantity_reason,
            complete_sum(committed_quantity, is_quantity) as committed_quantity,
            min(bought_quantity_reason) filter (is_quantity) as bought_quantity_reason,
            complete_sum(bought_quantity, is_quantity) as bought_quantity,
            min(committed_amount_reason) filter (is_amount) as committed_amount_reason,
            complete_sum(committed_amount, is_amount) as committed_amount,
            min(bought_amount_reason) filter (is_amount) as bought_amount_reason,
            complete_sum(bought_amount, is_amount) as bought_amount
        from counted
        group by looked_month, contract_id, alone_id
    ),

    explained as (
        select
            * replace (
                coalesce(
                    case when not has_quantity then 'no quantity is committed' end,
                    committed_quantity_reason,
                    unit_reason
                ) as committed_quantity_reason,
                coalesce(
                    case when not has_quantity then 'no quantity is committed' end, bought_quantity_reason, unit_reason
                ) as bought_quantity_reason,
                coalesce(
                    case when not has_amount then 'no amount is committed' end, committed_amount_reason
                ) as committed_amount_reason,
                coalesce(
                    case when not has_amount then 'no amount is committed' end, bought_amount_reason
                ) as bought_amount_reason
            )
        from sums
    )

select
    looked_month,
    contract_id,
    commitment_id,
    account_id,
    commitments_due,
    commitments_fulfilled,
    case when committed_quantity_reason is null then committed_quantity end as committed_quantity,
    committed_quantity_reason,
    case when bought_quantity_reason is null then bought_quantity end as bought_quantity,
    bought_quantity_reason,
    case when committed_amount_reason is null then committed_amount end::decimal(32, 2) as committed_amount,
    committed_amount_reason,
    case when bought_amount_reason is null then bought_amount end::decimal(32, 2) as bought_amount,
    bought_amount_reason
from explained
