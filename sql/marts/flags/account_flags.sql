-- fmt: off
-- grain: period_month, account_id, rule
-- why: what a manager should look at: rules that an account breaks, since when, and what ended with the month. Months before
--   are judged by what is known now and by the rules of now, at most eleven of them. A month whose figure is not known neither raises
--   nor clears a flag
-- method: account-flags-1
-- lines: none because each row names the figure that it looks at (look_at_table, look_at_column, look_at_key): explain that figure
-- columns:
--   period_month     DATE
--   account_id       VARCHAR
--   account_name     VARCHAR
--   account_manager  VARCHAR
--   segment          VARCHAR        here: Customer segment of the account, by which thresholds may differ; unknown where master data has none
--   rule             VARCHAR        Name of the rule; docs/flags.md lists them
--   state            VARCHAR        raised = new this month, continuing, or cleared = ended with this month
--   since            DATE           First month of the unbroken run, as its first day. A run of twelve months may be longer
--   severity         VARCHAR        How grave it is: critical, warning or info
--   figure           DECIMAL(36,6)  [as the row says; none] The figure of the month; NULL where it is not known: then the flag stays
--   figure_reason    VARCHAR
--   unit             VARCHAR        here: Unit of figure, compared_to and threshold: the reporting currency, days, fraction, ppm, points or number
--   compared_to      DECIMAL(36,6)  [as the row says; none] What the figure is compared with: the one known before, or the median of the twelve months before; NULL where a rule compares with its threshold only
--   compared_month   DATE           Month of compared_to, as its first day; NULL for a median
--   threshold        DECIMAL(36,6)  [as the row says; none] Threshold for this account; for credit_limit_breached in money; for a significant change the number of scaled MADs
--   deviation_mads   DECIMAL(36,6)  [multiple; none] Significant changes: distance from the median in scaled median absolute deviations; NULL where all months before are equal := (figure − compared_to) ÷ (1.4826 × MAD) source: Leys et al. 2013
--   look_at_table    VARCHAR        The table of reporting with the figure
--   look_at_column   VARCHAR        Its column
--   look_at_key      VARCHAR        Which of the account's rows: a column and its value; NULL where there is one row per account
--   sentence         VARCHAR        The flag in words
-- fmt: on
with
    worded as (
        select
            states.*,
            rules.* exclude (rule),
            replace(
                replace(
                    replace(
                        replace(
                            replace(rules.sentence, '{figure}', shown_figure(states.figure, rules.shown, currency)),
                            '{before}',
                            shown_figure(states.compared_to, rules.shown, currency)
                        ),
                        '{month}',
                        coalesce(strftime(states.compared_month, '%Y-%m'), 'the months before')
                    ),
                    '{limit}',
                    shown_figure(states.threshold, rules.shown, currency)
                ),
                '{row}',
                coalesce(states.look_at, 'unknown')
            ) as filled_in,
            case rules.shown when 'money' then currency when 'percent' then 'fraction' else rules.shown end as unit
        from core.flag_states as states
        join build.flag_rules as rules on rules.rule = states.rule
        cross join (select reporting_currency as currency from build.settings)
    )

select
    worded.period_month,
    worded.account_id,
    known(accounts.account_name) as account_name,
    known(accounts.account_manager) as account_manager,
    known(accounts.segment) as segment,
    worded.rule,
    worded.state,
    worded.since,
    worded.severity,
    worded.figure,
    case when worded.figure is null then 'not known in this month' end as figure_reason,
    worded.unit,
    worded.compared_to,
    worded.compared_month,
    worded.threshold,
    worded.deviation_mads,
    split_part(worded.measure, '.', 1) as look_at_table,
    split_part(worded.measure, '.', 2) as look_at_column,
    worded.look_at as look_at_key,
    case
        when worded.figure is null
        then 'Not known this month, so the flag stays: ' || worded.meaning
        when worded.state = 'cleared'
        then 'Over: ' || worded.filled_in
        else worded.filled_in
    end as sentence
from worded
left join core.accounts as accounts on accounts.account_id = worded.account_id
