-- Customers (KNA1) with the credit limit of one credit segment (UKMBP_CMS_SGM).
-- reads: landing/kna1*.csv: KUNNR, NAME1, LAND1, REGIO, BRSCH, KUKLA, KONZS
-- reads: landing/ukmbp_cms_sgm*.csv: PARTNER, CREDIT_SGMNT, CREDIT_LIMIT
with
    customers as (
        -- Of a document that is in several files, the lines of the last one.
        select * from read_csv('landing/kna1*.csv', delim = ';', header = true, all_varchar = true, union_by_name = true, filename = true)
        qualify filename = max(filename) over (partition by KUNNR)
    ),

    limits as (
        -- Of a document that is in several files, the lines of the last one.
        select * from read_csv('landing/ukmbp_cms_sgm*.csv', delim = ';', header = true, all_varchar = true, union_by_name = true, filename = true)
        qualify filename = max(filename) over (partition by PARTNER, CREDIT_SGMNT)
    )

select
    regexp_replace(nullif(trim(customer.KUNNR), ''), '^0+([0-9]+)$', '\1') as account_id,
    nullif(trim(customer.NAME1), '') as account_name,
    regexp_replace(nullif(trim(customer.KONZS), ''), '^0+([0-9]+)$', '\1') as parent_account_id,
    nullif(trim(customer.LAND1), '') as country,
    nullif(trim(customer.REGIO), '') as region,
    nullif(trim(customer.BRSCH), '') as industry,
    nullif(trim(customer.KUKLA), '') as account_class,
    nullif(cast(replace(replace(rtrim(trim(credit.CREDIT_LIMIT), '-'), '.', ''), ',', '.') as decimal(18, 4)) * if(trim(credit.CREDIT_LIMIT) like '%-', -1, 1), 0) as credit_limit
from customers as customer
-- The credit segment that counts.
left join limits as credit
    on regexp_replace(nullif(trim(credit.PARTNER), ''), '^0+([0-9]+)$', '\1') = regexp_replace(nullif(trim(customer.KUNNR), ''), '^0+([0-9]+)$', '\1') and credit.CREDIT_SGMNT = '1000'
order by 1
