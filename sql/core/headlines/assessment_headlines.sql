-- fmt: off
-- grain: month looked back on × account with assessments × measure
-- why: how many days what is to be renewed is still valid: of certificates, audits and programmes the newest of each criterion, and of these
--   the one that ends first. An award or a survey ends by itself. And the score of the newest audits, over their criteria
-- columns:
--   looked_month  DATE
--   account_id    VARCHAR
--   measure       VARCHAR
--   figure        DECIMAL(36,6)
--   look_at       VARCHAR
-- fmt: on
with newest as (select * from core.assessment_months where is_newest and account_id is not null)

select
    looked_month,
    account_id,
    'assessment_scores.days_left' as measure,
    min(days_left)::decimal(36, 6) as figure,
    arg_min(kind || ' ' || criterion, (days_left, kind, criterion)) as look_at
from newest
where kind in ('certificate', 'audit', 'programme') and days_left is not null
group by looked_month, account_id
union all
select
    looked_month,
    account_id,
    'assessment_scores.score_ratio',
    shown_ratio(ratio(sum(points), sum(max_points)))::decimal(36, 6),
    'kind audit'
from newest
where kind = 'audit' and score_ratio is not null
group by looked_month, account_id
