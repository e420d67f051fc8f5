-- Products, archived ones too. The part number is the internal reference; a product without one has its id. Read whole at each run.
-- reads: res_company: id, currency_id
-- reads: res_currency: id, name
-- reads: product_product: id, product_tmpl_id, default_code
-- reads: product_template: id, name, categ_id, uom_id, list_price
-- reads: product_category: id, complete_name
-- reads: uom_uom: id, name
with
    company as (select min(id) as id from res_company),

    numbered as (
        -- Two products may have one reference: then both have their id.
        select
            id,
            product_tmpl_id,
            case when count(*) over (partition by default_code) = 1 then default_code end as number
        from product_product
    )

select
    coalesce(nullif(numbered.number, ''), '#' || product.id) as product_id,
    template.name ->> 'en_US' as product_name,
    category.complete_name as product_line,
    unit.name ->> 'en_US' as unit,
    nullif((to_jsonb(product) -> 'standard_price' ->> company.id::text)::numeric, 0) as standard_cost,
    template.list_price,
    currency.name as currency
from product_product as product
join numbered on numbered.id = product.id
cross join company
join res_company as own on own.id = company.id
join res_currency as currency on currency.id = own.currency_id
join product_template as template on template.id = product.product_tmpl_id
left join product_category as category on category.id = template.categ_id
left join uom_uom as unit on unit.id = template.uom_id
order by product.id
