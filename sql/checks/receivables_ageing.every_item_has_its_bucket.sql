-- fmt: off
-- invariant: Every open item is in the one bucket that its age belongs to.
-- finding: {n} open (item is|items are) not in the bucket of (its|their) age
-- if it fails: buckets no longer add up to the open items, or show an overdue amount as current; the model's buckets
--   differ from the settings.
-- severity: critical
-- owner: Data engineering
-- keys: item_type, document_id, line_no, instalment_no, age_days, bucket
-- fmt: on
select ageing.*
from build.receivables_ageing as ageing
left join build.bucket_bounds as buckets on buckets.bucket = ageing.bucket
where buckets.bucket is null or ageing.age_days < buckets.lower_days or ageing.age_days > buckets.upper_days
