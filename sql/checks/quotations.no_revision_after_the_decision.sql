-- fmt: off
-- invariant: No later revision of a quotation was quoted after the quotation was decided.
-- finding: {n} (revision was|revisions were) quoted after the quotation was decided
-- if it fails: the revision changes nothing, neither the decision nor the price. If the customer decides anew, give the new offer a number of
--   its own, or correct the day of the decision.
-- severity: warning
-- owner: Key-account management
-- keys: quotation_id, revision, quoted_date, decided_date
-- fmt: on
select
    days.period_month, later.quotation_id, later.revision, later.quoted_date, min(earlier.decided_date) as decided_date
from core.quotations as later
join
    core.quotations as earlier
    on earlier.quotation_id = later.quotation_id
    and earlier.revision <= later.revision
    and earlier.decided_date < later.quoted_date
join core.days as days on days.calendar_date = later.quoted_date
semi join build.periods as periods on periods.period_month = days.period_month
anti join
    (select quotation_id, min(revision) as revision from core.quotations group by quotation_id) as first_ones
    on first_ones.quotation_id = later.quotation_id
    and first_ones.revision = later.revision
group by days.period_month, later.quotation_id, later.revision, later.quoted_date
