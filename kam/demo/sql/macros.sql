-- A random number that belongs to a key: the same on every machine and in every version.
CREATE TEMP MACRO roll(key) AS md5_number_lower(getvariable('seed') || '|' || key);

-- One of several independent draws from 0 to 999 out of a roll; place is 1, 1_000, 1_000_000 or 1_000_000_000.
CREATE TEMP MACRO die(rolled, place) AS ((rolled // place) % 1000)::INTEGER;

-- Saturdays go to Friday, Sundays to Monday.
CREATE TEMP MACRO workday(day) AS (day + CASE isodow(day) WHEN 6 THEN -1 WHEN 7 THEN 1 ELSE 0 END)::DATE;

CREATE TEMP MACRO month_of(day) AS date_trunc('month', day)::DATE;
CREATE TEMP MACRO later_month(month, count) AS (month + to_months(count::INTEGER))::DATE;
CREATE TEMP MACRO fiscal_year_start(month) AS
    later_month(month, -((month(month) - getvariable('fiscal_year_start_month') + 12) % 12));
CREATE TEMP MACRO months_left(month) AS datediff('month', month, getvariable('last_month'))::INTEGER;

-- From a Monday before the first month on: currencies and their rate when the story begins.
CREATE TEMP TABLE currencies AS
FROM (VALUES ('USD', 0.920000, 1.09), ('GBP', 1.165000, 0.86), ('INR', 0.010900, 92.00))
    AS t(currency, rate, units_per_euro);
