-- invariant: Every open item is in the one bucket that its age belongs to.
-- if it fails: buckets no longer add up to the open items, or show an overdue amount as current; the model's buckets
--   differ from the settings.
-- severity: critical
-- owner: Data engineering
-- keys: item_type, document_id, line_no, instalment_no, age_days, bucket
SELECT ageing.*
FROM build.receivables_ageing AS ageing
LEFT JOIN build.ageing_buckets AS buckets ON buckets.bucket = ageing.bucket
WHERE buckets.bucket IS NULL
   OR ageing.age_days < buckets.lower_days
   OR ageing.age_days > buckets.upper_days
