-- fmt: off
-- invariant: No account belongs to itself through its parents.
-- finding: {n} (account belongs to itself|accounts belong to themselves) through (its|their) parents
-- if it fails: the account has no group, and sales of the group are added up wrongly; correct parent_account_id in the
--   account master.
-- severity: critical
-- owner: Master data
-- keys: account_id, parent_account_id
-- needs: accounts
-- fmt: on
select null::date as period_month, accounts.account_id, accounts.parent_account_id
from core.accounts as accounts
join core.account_tops as tops on tops.account_id = accounts.account_id
where tops.top_account_id is null
