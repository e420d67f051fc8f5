-- Products and services. Read whole at each run.
-- reads: llx_product: ref, label, cost_price, pmp, price, entity
select
    ref as product_id,
    label as product_name,
    -- The cost that was entered, else the average of what was bought.
    nullif(round(coalesce(nullif(cost_price, 0), pmp), 8), 0) as standard_cost,
    nullif(round(price, 8), 0) as list_price
from llx_product
where entity = 1
order by ref
