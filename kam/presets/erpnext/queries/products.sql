-- Items, in their stock unit. Read whole at each run.
-- reads: tabItem: name, item_name, item_group, stock_uom, valuation_rate, standard_rate
select
    name as product_id,
    item_name as product_name,
    item_group as product_line,
    stock_uom as unit,
    nullif(valuation_rate, 0) as standard_cost,
    nullif(standard_rate, 0) as list_price
from `tabItem`
order by name
