-- fmt: off
-- grain: feed of events
-- why: how far the data goes, by what it says itself: the only "today" that a rule may know
-- columns:
--   feed         VARCHAR
--   newest_date  DATE
-- fmt: on
select feed, max(happened_on) as newest_date
from core.feed_events
group by feed
