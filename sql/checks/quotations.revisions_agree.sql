-- fmt: off
-- invariant: All revisions of a quotation are of one account and one project type.
-- finding: {n} (quotation has|quotations have) revisions of several accounts or project types
-- if it fails: the whole quotation counts for the account and project type of its newest revision. Correct the source, or give the second
--   quotation a number of its own.
-- severity: warning
-- owner: Key-account management
-- keys: quotation_id, accounts, project_types
-- fmt: on
select
    max(batch.period_month) as period_month,
    quotations.quotation_id,
    string_agg(distinct quotations.account_id, ', ' order by quotations.account_id) as accounts,
    string_agg(distinct quotations.project_type, ', ' order by quotations.project_type) as project_types
from core.quotations as quotations
join batch on batch.quotation_id = quotations.quotation_id
group by quotations.quotation_id
having count(distinct quotations.account_id) > 1 or count(distinct quotations.project_type) > 1
