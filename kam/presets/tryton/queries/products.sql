-- One row a product (variant): its code, else its number in the database. Prices and costs are those of now, in the company's currency.
-- reads: company_company: id, currency
-- reads: currency_currency: id, code
-- reads: product_product: id, code, template, create_date, write_date
-- reads: product_template: id, name, default_uom, account_category, salable, create_date, write_date
-- reads: product_uom: id, symbol
-- reads: product_category: id, name
-- reads: product_template-product_category: id, template, category, create_date, write_date
-- reads: product_list_price: template, company, list_price, create_date, write_date
-- reads: product_cost_price: product, company, cost_price, create_date, write_date
with
    company as (select id, currency from company_company order by id limit 1),
    product as (
        select
            coalesce(nullif(variant.code, ''), variant.id::text) as product_id,
            template.name as product_name,
            coalesce(line.name, accounting.name) as product_line,
            unit.symbol as unit,
            cost.cost_price as standard_cost,
            list.list_price,
            currency.code as currency,
            greatest(
                variant.create_date, variant.write_date, template.create_date, template.write_date, line.changed_at,
                cost.create_date, cost.write_date, list.create_date, list.write_date
            ) as changed_at
        from product_product as variant
        join product_template as template on template.id = variant.template
        join product_uom as unit on unit.id = template.default_uom
        cross join company
        join currency_currency as currency on currency.id = company.currency
        left join product_category as accounting on accounting.id = template.account_category
        left join lateral (
            select product_category.name, coalesce(link.write_date, link.create_date) as changed_at
            from "product_template-product_category" as link
            join product_category on product_category.id = link.category
            where link.template = template.id
            order by link.id
            limit 1
        ) as line on true
        left join product_cost_price as cost on cost.product = variant.id and cost.company = company.id
        left join product_list_price as list on list.template = template.id and list.company = company.id
        where template.salable
    )
select * from product where changed_at > :watermark
