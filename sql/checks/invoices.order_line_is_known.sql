-- fmt: off
-- invariant: Every invoice line that names an order names a line that exists.
-- finding: {n} invoice (line names|lines name) an order line that does not exist
-- if it fails: no figure changes, but what was ordered and what was invoiced cannot be compared; correct the order
--   number or load the order.
-- severity: warning
-- owner: Accounts receivable
-- keys: invoice_id, line_no, order_id, order_line_no
-- needs: orders
-- fmt: on
with
    known as (select order_id, line_no from core.orders semi join batch using (order_id)),

    -- An invoice may name the order without its line.
    nameable as (
        select order_id, line_no
        from known
        union all
        select distinct order_id, null
        from known
    )

select batch.*
from batch
anti join nameable on nameable.order_id = batch.order_id and nameable.line_no is not distinct from batch.order_line_no
where batch.order_id is not null
