-- fmt: off
-- grain: account that belongs to another one
-- why: the account at the top of its group. Parents that form a circle have none. An account that names itself belongs to nobody
-- columns:
--   account_id      VARCHAR
--   top_account_id  VARCHAR
-- fmt: on
with recursive
    links as (select account_id, parent_account_id from core.accounts where parent_account_id <> account_id),

    walked as (
        select account_id, parent_account_id as ancestor_id, [account_id, parent_account_id] as path
        from links
        union all
        select walked.account_id, links.parent_account_id, list_append(walked.path, links.parent_account_id)
        from walked
        join links on links.account_id = walked.ancestor_id
        where not list_contains(walked.path, links.parent_account_id)
    ),

    tops as (
        select account_id, ancestor_id as top_account_id
        from walked
        anti join links on links.account_id = walked.ancestor_id
    )

select links.account_id, tops.top_account_id
from links
left join tops on tops.account_id = links.account_id
