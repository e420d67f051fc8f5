-- fmt: off
-- grain: period_month, product_id
-- why: the parts as known at the close, with all that the product master says. A part that only other feeds name by
--   the month's end has a row too
-- method: products-1
-- lines: core.products by product_id
-- columns:
--   period_month    DATE
--   product_id      VARCHAR
--   product_name    VARCHAR
--   product_line    VARCHAR
--   unit            VARCHAR
--   product_source  VARCHAR         Where the part comes from: manufactured, purchased or remanufactured
--   currency        VARCHAR         here: Currency of the standard cost and the list price
--   standard_cost   DECIMAL(24,10)  [document currency; none] Standard cost of one unit
--   list_price      DECIMAL(24,10)  [document currency; none] List price of one unit
--   is_in_master    BOOLEAN         Whether the product master has it
-- fmt: on
select
    periods.period_month,
    ids.product_id,
    known(products.product_name) as product_name,
    known(products.product_line) as product_line,
    products.unit,
    products.product_source,
    products.currency,
    products.standard_cost,
    products.list_price,
    products.product_id is not null as is_in_master
from core.feed_products as ids
join build.periods as periods on ids.first_date <= greatest(periods.as_of_date, periods.period_month)
left join core.products as products on products.product_id = ids.product_id
