-- What is stored, above all the ledgers: what was loaded, what was closed, what was checked. Only what DuckLake supports too: no keys, no sequences.

CREATE SCHEMA IF NOT EXISTS staging;
CREATE SCHEMA IF NOT EXISTS marts;
CREATE SCHEMA IF NOT EXISTS reporting;
CREATE SCHEMA IF NOT EXISTS history;
CREATE SCHEMA IF NOT EXISTS ops;

-- One row per load. status: loaded, failed (refused whole). A failed one has no rows and may be tried again.
-- `files` (names and hashes) and `reading` (mode, dialect, mapping) are JSON: with the archive they allow a rebuild.
-- `watermark` is how far a database was read, `header` the source's own columns, a JSON list.
-- `rounded` lists, as JSON, the numbers that rounding changes by more than a little. `first_date` is the earliest day that the
-- rows which it changed are about, NULL where they may matter in any month.
CREATE TABLE IF NOT EXISTS ops.loads (
    load_id BIGINT, feed VARCHAR, source VARCHAR, sha256 VARCHAR, mapping_hash VARCHAR, files VARCHAR, bytes BIGINT,
    status VARCHAR, read_count BIGINT, loaded_count BIGINT, unchanged_count BIGINT, rejected_count BIGINT,
    superseded_count BIGINT, message VARCHAR, reading VARCHAR, started_at TIMESTAMP, finished_at TIMESTAMP,
    watermark VARCHAR, header VARCHAR, rounded VARCHAR, first_date DATE
);
ALTER TABLE ops.loads ADD COLUMN IF NOT EXISTS watermark VARCHAR;
ALTER TABLE ops.loads ADD COLUMN IF NOT EXISTS header VARCHAR;
ALTER TABLE ops.loads ADD COLUMN IF NOT EXISTS rounded VARCHAR;
ALTER TABLE ops.loads ADD COLUMN IF NOT EXISTS first_date DATE;

-- One row per fault of a rejected row; `source` is the row as the file has it, as JSON, and `business_key` its key, as a JSON
-- list, where that can be read. Where each cell of a wide file is a row, `source_column` names its column. status: open; resolved (the load `resolved_load_id` brought the row fixed); replaced (that
-- load rejected the row again and lists it); repeated (the row says what another one of its own load says).
CREATE TABLE IF NOT EXISTS staging.rejects (
    load_id BIGINT, feed VARCHAR, file VARCHAR, source_row BIGINT, source VARCHAR,
    column_name VARCHAR, rule VARCHAR, value VARCHAR, message VARCHAR,
    business_key VARCHAR, status VARCHAR DEFAULT 'open', resolved_load_id BIGINT, source_column VARCHAR
);
ALTER TABLE staging.rejects ADD COLUMN IF NOT EXISTS business_key VARCHAR;
ALTER TABLE staging.rejects ADD COLUMN IF NOT EXISTS status VARCHAR DEFAULT 'open';
ALTER TABLE staging.rejects ADD COLUMN IF NOT EXISTS resolved_load_id BIGINT;
ALTER TABLE staging.rejects ADD COLUMN IF NOT EXISTS source_column VARCHAR;

-- Who did it: `…_by` and `…_uid` are the user of the process, as the operating system says, `…_identity` is the person that the
-- deployment of a Prefect server names, NULL without one.

-- One row per version of a closed month. Readers see one that `needs_approval` when somebody approved it.
CREATE TABLE IF NOT EXISTS ops.closes (
    period_month DATE, close_version BIGINT, as_of_load BIGINT, content_hash VARCHAR, settings_hash VARCHAR,
    models_hash VARCHAR, verdict VARCHAR, closed_at TIMESTAMP, closed_by VARCHAR, reason VARCHAR, manifest VARCHAR,
    closed_uid BIGINT, closed_identity VARCHAR, needs_approval BOOLEAN DEFAULT false
);
ALTER TABLE ops.closes ADD COLUMN IF NOT EXISTS closed_uid BIGINT;
ALTER TABLE ops.closes ADD COLUMN IF NOT EXISTS closed_identity VARCHAR;
ALTER TABLE ops.closes ADD COLUMN IF NOT EXISTS needs_approval BOOLEAN DEFAULT false;

-- One row per version whose rows are in the marts already, before its month is committed. Nobody sees them until ops.closes lists the version. What
-- a run that died left is deleted before the next one commits something else or publishes.
CREATE TABLE IF NOT EXISTS ops.stored_ahead (
    period_month DATE, close_version BIGINT, content_hash VARCHAR, as_of_load BIGINT
);

-- One row per closed month: from what it was last built with the figures of its version. Only to know that nothing changed since;
-- without the row it is built again.
CREATE TABLE IF NOT EXISTS ops.last_builds (
    period_month DATE, close_version BIGINT, as_of_load BIGINT, settings_hash VARCHAR, models_hash VARCHAR, rules_hash VARCHAR,
    opened_from BIGINT, feeds VARCHAR[]
);

-- One row per version that was taken back: it stays in the tables, and readers no longer see it.
CREATE TABLE IF NOT EXISTS ops.withdrawals (
    period_month DATE, close_version BIGINT, withdrawn_at TIMESTAMP, withdrawn_by VARCHAR, reason VARCHAR,
    withdrawn_uid BIGINT, withdrawn_identity VARCHAR
);
ALTER TABLE ops.withdrawals ADD COLUMN IF NOT EXISTS withdrawn_uid BIGINT;
ALTER TABLE ops.withdrawals ADD COLUMN IF NOT EXISTS withdrawn_identity VARCHAR;

-- One row per version that was approved, with the content hash of what was approved.
CREATE TABLE IF NOT EXISTS ops.approvals (
    period_month DATE, close_version BIGINT, content_hash VARCHAR, approved_at TIMESTAMP, approved_by VARCHAR,
    approved_uid BIGINT, approved_identity VARCHAR, comment VARCHAR
);

-- One row per month that was locked, and per lock that was opened again; they are counted by `lock_no`, from 1 for each month.
CREATE TABLE IF NOT EXISTS ops.locks (
    period_month DATE, lock_no BIGINT, is_locked BOOLEAN, decided_at TIMESTAMP, decided_by VARCHAR, decided_uid BIGINT,
    decided_identity VARCHAR, reason VARCHAR
);

-- The months that are locked now: they get no other version.
CREATE OR REPLACE VIEW ops.locked_months AS
SELECT * FROM ops.locks QUALIFY is_locked AND lock_no = max(lock_no) OVER (PARTITION BY period_month);

-- The versions that were not withdrawn.
CREATE OR REPLACE VIEW ops.standing_closes AS
SELECT closes.*
FROM ops.closes AS closes
ANTI JOIN ops.withdrawals AS withdrawals
    ON withdrawals.period_month = closes.period_month AND withdrawals.close_version = closes.close_version;

-- The versions that readers do not see, because nobody approved them. `is_waiting`: it is the newest one that stands.
CREATE OR REPLACE VIEW ops.preliminary AS
SELECT
    closes.period_month, closes.close_version, closes.verdict, closes.closed_at, closes.closed_by, closes.closed_identity,
    withdrawals.period_month IS NULL
    AND closes.close_version = max(closes.close_version) FILTER (withdrawals.period_month IS NULL) OVER (
        PARTITION BY closes.period_month
    ) AS is_waiting
FROM ops.closes AS closes
LEFT JOIN ops.withdrawals AS withdrawals
    ON withdrawals.period_month = closes.period_month AND withdrawals.close_version = closes.close_version
LEFT JOIN ops.approvals AS approvals
    ON approvals.period_month = closes.period_month AND approvals.close_version = closes.close_version
QUALIFY coalesce(closes.needs_approval, false) AND approvals.period_month IS NULL;

-- The versions that readers may see: of each month they see the newest of these.
CREATE OR REPLACE VIEW ops.shown_closes AS
SELECT closes.*
FROM ops.standing_closes AS closes
ANTI JOIN ops.preliminary AS preliminary
    ON preliminary.period_month = closes.period_month AND preliminary.close_version = closes.close_version;

-- One row per month whose last attempt to close failed; `last_version` is what readers still see, 0 for nothing. It is removed
-- when an attempt does not fail.
CREATE TABLE IF NOT EXISTS ops.failed_closes (
    period_month DATE, last_version BIGINT, as_of_load BIGINT, failed_at TIMESTAMP, failed_by VARCHAR, message VARCHAR
);

-- One row per check of a version, or of the failed attempt as version 0; sample_keys holds up to 200 offending keys as JSON,
-- finding what is wrong in a sentence, NULL where the rule held.
CREATE TABLE IF NOT EXISTS ops.checks (
    period_month DATE, close_version BIGINT, check_name VARCHAR, suite VARCHAR, table_name VARCHAR, severity VARCHAR,
    sentence VARCHAR, owner VARCHAR, if_it_fails VARCHAR, success BOOLEAN, checked_count BIGINT, failed_count BIGINT,
    sample_keys VARCHAR, threshold DECIMAL(18, 6), threshold_meaning VARCHAR, finding VARCHAR
);
ALTER TABLE ops.checks ADD COLUMN IF NOT EXISTS threshold DECIMAL(18, 6);
ALTER TABLE ops.checks ADD COLUMN IF NOT EXISTS threshold_meaning VARCHAR;
ALTER TABLE ops.checks ADD COLUMN IF NOT EXISTS finding VARCHAR;

-- One row per offending key, up to 200 of a check.
CREATE OR REPLACE VIEW ops.check_failures AS
SELECT period_month, close_version, check_name, unnest(range(1, len(keys) + 1)) AS failure_no, unnest(keys) AS keys
-- All keys of a check at once: to look each up by its number would copy the text of all of them for each.
FROM (SELECT period_month, close_version, check_name, sample_keys ->> '$[*]' AS keys FROM ops.checks);

-- One row per version (or failed attempt, as version 0) and control total: two figures that must agree, in total and by account. `untied_count` accounts do
-- not; `first_untied` is the one that differs most.
CREATE TABLE IF NOT EXISTS ops.control_totals (
    period_month DATE, close_version BIGINT, control VARCHAR, currency VARCHAR, left_amount DECIMAL(38, 4),
    right_amount DECIMAL(38, 4), difference DECIMAL(38, 4), severity VARCHAR DEFAULT 'critical',
    untied_count BIGINT DEFAULT 0, first_untied VARCHAR, first_untied_left_amount DECIMAL(38, 4),
    first_untied_right_amount DECIMAL(38, 4)
);
ALTER TABLE ops.control_totals ADD COLUMN IF NOT EXISTS severity VARCHAR DEFAULT 'critical';
ALTER TABLE ops.control_totals ADD COLUMN IF NOT EXISTS untied_count BIGINT DEFAULT 0;
ALTER TABLE ops.control_totals ADD COLUMN IF NOT EXISTS first_untied VARCHAR;
ALTER TABLE ops.control_totals ADD COLUMN IF NOT EXISTS first_untied_left_amount DECIMAL(38, 4);
ALTER TABLE ops.control_totals ADD COLUMN IF NOT EXISTS first_untied_right_amount DECIMAL(38, 4);

-- One row per version and correction of corrections.toml that was in force; `key_values` is the key as JSON, a value that is
-- NULL an empty cell. state: applied; not yet loaded (the row came with a later load than the version knows).
CREATE TABLE IF NOT EXISTS ops.corrections (
    period_month DATE, close_version BIGINT, feed VARCHAR, key VARCHAR, key_values VARCHAR, column_name VARCHAR,
    wrong_value VARCHAR, right_value VARCHAR, reason VARCHAR, owner VARCHAR, state VARCHAR
);

-- One row per column of a published table; written again from the models' headers at each publication.
CREATE TABLE IF NOT EXISTS ops.metric_definitions (
    table_name VARCHAR, column_name VARCHAR, data_type VARCHAR, grain VARCHAR, meaning VARCHAR, unit VARCHAR,
    formula VARCHAR, method VARCHAR, aggregation VARCHAR, numerator VARCHAR, denominator VARCHAR, format VARCHAR,
    direction VARCHAR, source VARCHAR
);
ALTER TABLE ops.metric_definitions ADD COLUMN IF NOT EXISTS aggregation VARCHAR;
ALTER TABLE ops.metric_definitions ADD COLUMN IF NOT EXISTS numerator VARCHAR;
ALTER TABLE ops.metric_definitions ADD COLUMN IF NOT EXISTS denominator VARCHAR;
ALTER TABLE ops.metric_definitions ADD COLUMN IF NOT EXISTS format VARCHAR;
ALTER TABLE ops.metric_definitions ADD COLUMN IF NOT EXISTS direction VARCHAR;
ALTER TABLE ops.metric_definitions ADD COLUMN IF NOT EXISTS source VARCHAR;

-- One row per target of publications beside the published file, and month that it has. `stamp` changes when readers of the month would see
-- anything else.
CREATE TABLE IF NOT EXISTS ops.publications (
    target VARCHAR, period_month DATE, close_version BIGINT, content_hash VARCHAR, stamp VARCHAR, published_at TIMESTAMP
);

-- The file that was published last: the hash of its bytes, the hash of what its tables are, and how many times it was updated since it was written anew.
-- Only to know whether it may be copied; without the row it is written anew.
CREATE TABLE IF NOT EXISTS ops.published_file (sha256 VARCHAR, definitions VARCHAR, update_count BIGINT);

-- One row per target that was tried: when, and since when and why it does not work; `notes` is a JSON list of what somebody should do.
CREATE TABLE IF NOT EXISTS ops.targets (
    target VARCHAR, tried_at TIMESTAMP, failed_since TIMESTAMP, last_error VARCHAR, notes VARCHAR
);

-- One row per message about a run. event: close_failed, close_warned, recovered, load_refused,
-- backfill_failed, publish_failed, flags, attention. `as_of_load` is the newest load then.
CREATE TABLE IF NOT EXISTS ops.alerts (
    alert_id BIGINT, event VARCHAR, period_months DATE[], severity VARCHAR, subject VARCHAR, body VARCHAR,
    as_of_load BIGINT, created_at TIMESTAMP
);

-- One row per alert and subject whose state it reports: a month (2026-10), a feed (orders), or a run that stopped (ingest). state:
-- failed, warned, refused, good. The newest row of a subject decides whether an alert would say anything new: `fingerprint`
-- is a hash of what failed, `reasons` names it, as a JSON list.
CREATE TABLE IF NOT EXISTS ops.alert_subjects (
    alert_id BIGINT, subject VARCHAR, state VARCHAR, fingerprint VARCHAR, reasons VARCHAR
);

-- One row per alert and channel that it is for. `delivered_at` is NULL while it waits; `last_error` says why.
CREATE TABLE IF NOT EXISTS ops.alert_deliveries (
    alert_id BIGINT, channel VARCHAR, attempts BIGINT, delivered_at TIMESTAMP, last_error VARCHAR
);

-- One row per step of a run, the run itself as step 0, for those who look at where time went. Not evidence: a rebuild forgets those before it, only the
-- newest 1,000 runs are kept, and nothing is published. outcome: done, failed, stopped, did not end (the process was killed), or what the step says
-- itself. `peak_memory_bytes` is the most that the process had until the end of the step.
CREATE TABLE IF NOT EXISTS ops.steps (
    run_no BIGINT, run_id VARCHAR, command VARCHAR, step_no BIGINT, parent_no BIGINT, step VARCHAR, subject VARCHAR,
    period_months DATE[], started_at TIMESTAMP, seconds DECIMAL(12, 3), row_count BIGINT, peak_memory_bytes BIGINT, outcome VARCHAR,
    error VARCHAR
);
