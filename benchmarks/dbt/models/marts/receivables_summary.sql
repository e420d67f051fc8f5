select account_id, bucket, sum(outstanding_amount) as outstanding_amount, count(*) as item_count
from {{ ref('receivables_ageing') }}
group by account_id, bucket
