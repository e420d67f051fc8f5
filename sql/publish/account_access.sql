-- fmt: off
-- PostgreSQL, not DuckDB. Which login sees which accounts; the rules of the tables ask these functions.
-- They run with the rights of their owner, so that a login needs none on account_access. The login is the one that connected,
-- or the role that it took on with SET ROLE, for which it has to be a member of that role.
CREATE TABLE IF NOT EXISTS "{{ schema }}".account_access (
    login text NOT NULL,
    account_manager text NOT NULL,
    PRIMARY KEY (login, account_manager)
);
COMMENT ON TABLE "{{ schema }}".account_access IS
    'Which login sees the accounts of which manager; the manager * stands for everything, totals too. The site fills it';
CREATE OR REPLACE FUNCTION "{{ schema }}".own_managers() RETURNS SETOF text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT access.account_manager
    FROM "{{ schema }}".account_access AS access
    WHERE access.login = CASE current_setting('role') WHEN 'none' THEN session_user::text ELSE current_setting('role') END
$$;
CREATE OR REPLACE FUNCTION "{{ schema }}".sees_all() RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT '*' IN (SELECT "{{ schema }}".own_managers())
$$;
-- An account is its present manager's, with all its months: those before a handover too.
CREATE OR REPLACE FUNCTION "{{ schema }}".own_accounts() RETURNS SETOF text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT newest.account_id
    FROM (
        SELECT DISTINCT ON (account_id) account_id, account_manager
        FROM "{{ schema }}".accounts
        ORDER BY account_id, period_month DESC
    ) AS newest
    WHERE newest.account_manager IN (SELECT "{{ schema }}".own_managers())
$$;
