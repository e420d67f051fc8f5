-- Twelve kinds of customer, each with its own story; a bigger site repeats them under other names.
CREATE TEMP TABLE roles AS
FROM (VALUES
    (1, 'Nordwagen Automobile AG', 'vehicle maker', 'Central Europe', 'DE', 'EUR', 60, true, 7200),
    (2, 'Nordwagen Nutzfahrzeuge GmbH', 'vehicle maker', 'Central Europe', 'DE', 'EUR', 60, false, 2800),
    (3, 'Lumière Autocars SA', 'vehicle maker', 'Southern Europe', 'FR', 'EUR', 45, true, 3400),
    (4, 'Brightwater Motor Company Ltd', 'vehicle maker', 'Northern Europe', 'GB', 'GBP', 60, true, 5100),
    (5, 'Great Prairie Truck Corporation', 'vehicle maker', 'Americas', 'US', 'USD', 60, true, 4200),
    (6, 'Sahyadri Vahan Motors Ltd', 'vehicle maker', 'Asia', 'IN', 'INR', 90, true, 6100),
    (7, 'Godavari Coach Builders Ltd', 'vehicle maker', 'Asia', 'IN', 'INR', 60, false, 1400),
    (8, 'Transalpina Flotte S.p.A.', 'fleet', 'Southern Europe', 'IT', 'EUR', 30, false, 600),
    (9, 'Øresund Buslinjer A/S', 'fleet', 'Northern Europe', 'DK', 'EUR', 30, false, 450),
    (10, 'Pneu Horizon SARL', 'tyre dealer', 'Southern Europe', 'FR', 'EUR', 45, false, 800),
    (11, 'Reifenhaus Lindental KG', 'tyre dealer', 'Central Europe', 'DE', 'EUR', 30, false, 700),
    (12, 'Lakeshore Tire & Glass Supply Inc', 'tyre dealer', 'Americas', 'US', 'USD', 30, false, 900)
) AS t(role, account_name, segment, region, country, currency, payment_terms_days, key_account, volume);

CREATE TEMP TABLE managers AS
FROM (VALUES
    ('Central Europe', ['Anna Köhler', 'Jürgen Weiß', 'Martina Sládek']),
    ('Southern Europe', ['Pierre Marchand', 'Giulia Ferrero', 'Nuno Tavares']),
    ('Northern Europe', ['Grace Whitfield', 'Lars Møller', 'Maeve Byrne']),
    ('Americas', ['Daniel Ortega', 'Susan Keller', 'Marcus Bell']),
    ('Asia', ['Ravi Kulkarni', 'Meera Nambiar', 'Haruto Endo'])
) AS t(region, names);

CREATE TEMP TABLE accounts AS
WITH numbered AS (
    SELECT n::INTEGER AS account_no, ((n - 1) % 12 + 1)::INTEGER AS role, ((n - 1) // 12)::INTEGER AS round_no
    FROM range(1, getvariable('accounts') + 1) AS t(n)
), places AS (
    -- 37 has no factor in common with the 12 roles: a name comes back after 444 accounts
    SELECT ['Alder', 'Bergamo', 'Calder', 'Dorna', 'Elmgate', 'Fjordby', 'Garonne', 'Hollin', 'Isarwerk', 'Juniper',
            'Kestrel', 'Lagan', 'Moravia', 'Nagar', 'Oakhaven', 'Piave', 'Quillon', 'Ravensbrook', 'Solent', 'Tisza',
            'Umbria', 'Vardar', 'Westerly', 'Xanten', 'Yarrow', 'Zephyr', 'Arven', 'Borealis', 'Corvus', 'Delmar',
            'Estrella', 'Falken', 'Granada', 'Havel', 'Indra', 'Jura', 'Kaveri'] AS names
)
SELECT
    numbered.account_no,
    numbered.role,
    format('K{:04d}', numbered.account_no) AS account_id,
    CASE WHEN round_no = 0 THEN account_name
        ELSE places.names[1 + (account_no - 13) % 37] || ' '
            || CASE WHEN numbered.role IN (2, 7) THEN 'Coaches' WHEN segment = 'vehicle maker' THEN 'Motors'
                WHEN segment = 'fleet' THEN 'Fleet' ELSE 'Tyres' END
            || ' ' || country
            || CASE WHEN account_no > 456 THEN ' ' || ((account_no - 13) // 444 + 1) ELSE '' END
    END AS account_name,
    CASE WHEN numbered.role IN (2, 7) THEN format('K{:04d}', numbered.account_no - 1) END AS parent_account_id,
    managers.names[1 + round_no % 3] AS account_manager,
    segment, region, country, currency, payment_terms_days, key_account, volume
FROM numbered JOIN roles USING (role) JOIN managers USING (region) CROSS JOIN places;

CREATE TEMP TABLE products AS
WITH lines AS (
    SELECT * FROM (VALUES
        (0, 'seals', 'SEA', 4.20, 1000,
            ['Door seal', 'Window channel seal', 'Boot lid seal', 'Sunroof seal', 'Bonnet seal', 'Wing seal']),
        (1, 'hoses', 'HOS', 6.80, 800,
            ['Coolant hose', 'Brake hose', 'Charge air hose', 'Fuel hose', 'Heater hose', 'Power steering hose']),
        (2, 'windscreens', 'WIN', 74.00, 120,
            ['Windscreen, acoustic', 'Windscreen, heated', 'Windscreen with camera bracket', 'Windscreen, truck',
             'Windscreen, two-piece bus', 'Windscreen, head-up display']),
        (3, 'laminated glass', 'LAM', 41.00, 220,
            ['Side window, laminated', 'Panorama roof, laminated', 'Partition, laminated', 'Quarter light, laminated',
             'Rear window, laminated', 'Door glass, laminated']),
        (4, 'mounts', 'MOU', 11.50, 500,
            ['Engine mount', 'Gearbox mount', 'Exhaust hanger', 'Cab mount', 'Strut mount', 'Subframe bush'])
    ) AS t(line_index, product_line, prefix, typical_cost, popularity, names)
)
SELECT
    n::INTEGER AS product_no,
    format('{}-{:04d}', prefix, n) AS product_id,
    names[1 + (n - 1) // 5 % 6] || CASE WHEN n > 30 THEN ', series ' || ((n - 1) // 30 + 1) ELSE '' END AS product_name,
    product_line,
    'pc' AS unit,
    round(typical_cost * (700 + die(roll('cost|' || n), 1) * 6 // 10) * 0.001, 2)::DECIMAL(18, 2) AS standard_cost,
    popularity
FROM range(1, getvariable('products') + 1) AS t(n) JOIN lines ON line_index = (n - 1) % 5;

-- What an account buys. For some its last item is new since half a year; a dealer has lost its first two.
CREATE TEMP TABLE items AS
WITH bought AS (
    SELECT
        accounts.*,
        place::INTEGER AS place,
        (1 + ((account_no - 1) * getvariable('items_per_account') + place) % getvariable('products'))::INTEGER
            AS product_no
    FROM accounts CROSS JOIN range(getvariable('items_per_account')) AS t(place)
), rolled AS (
    SELECT *, roll('item|' || account_no || '|' || product_no) AS item_roll FROM bought
)
SELECT
    account_no, account_id, role, country, rolled.currency, segment, payment_terms_days, account_manager,
    product_no, product_id, product_line, place,
    greatest(2, volume * popularity // 1000 * (600 + die(item_roll, 1) * 8 // 10) // 1000) AS base_quantity,
    round(
        standard_cost * (1280 + die(item_roll, 1_000) * 3 // 10) * 0.001 * coalesce(units_per_euro, 1.00), 2
    )::DECIMAL(18, 2) AS base_price,
    CASE WHEN role IN (2, 3, 5, 9) AND place >= 2 AND place = getvariable('items_per_account') - 1
        THEN later_month(getvariable('last_month'), -5) END AS sold_from,
    CASE WHEN role = 10 AND place < 2 AND getvariable('items_per_account') > 2
        THEN later_month(getvariable('last_month'), -5) END AS sold_until
FROM rolled JOIN products USING (product_no) LEFT JOIN currencies USING (currency);

CREATE TEMP TABLE months AS
SELECT
    month::DATE AS month,
    fiscal_year_start(month::DATE) AS year_start,
    [1000, 980, 1080, 1020, 1000, 1040, 940, 760, 1080, 1100, 1050, 840][month(month)] AS season_permille,
    1000 + 40 * datediff('month', getvariable('first_month'), month::DATE) // 12 AS growth_permille
FROM generate_series(
    getvariable('first_month')::TIMESTAMP,
    greatest(
        later_month(fiscal_year_start(getvariable('last_month')), 11),
        later_month(getvariable('last_month'), 4)
    )::TIMESTAMP,
    INTERVAL 1 MONTH
) AS t(month);

-- What an account will take of an item in a month, at which price, and what was planned when its fiscal year began.
CREATE TEMP TABLE demand AS
WITH rolled AS (
    SELECT *, die(roll('year|' || account_no || '|' || product_no || '|' || year(year_start)), 1) AS year_luck
    FROM items CROSS JOIN months
), grown AS (
    SELECT
        account_no, product_no, month, year_start,
        base_quantity * season_permille // 1000 AS seasonal_quantity,
        growth_permille,
        1020 + 40 * datediff('month', getvariable('first_month'), year_start) // 12 AS planned_growth_permille,
        1000 + 20 * (year(month) - year(getvariable('first_month'))) AS list_permille,
        CASE WHEN role = 10 AND months_left(month) < 8 THEN 780
            WHEN role = 3 THEN 1060 + year_luck // 20
            ELSE 960 + year_luck * 8 // 100
        END AS story_permille,
        CASE WHEN role = 12 AND months_left(month) < 10 THEN 955 ELSE 1000 END AS discount_permille,
        sold_from, sold_until, base_price
    FROM rolled
)
SELECT
    account_no, product_no, month, year_start,
    CASE WHEN month < sold_from OR month > sold_until THEN 0
        ELSE greatest(1, seasonal_quantity * growth_permille // 1000 * story_permille // 1000) END::INTEGER AS quantity,
    -- a lost item is still forecast for two months
    CASE WHEN month < sold_from OR month > later_month(sold_until, 2) THEN 0
        ELSE greatest(1, seasonal_quantity * growth_permille // 1000 * least(story_permille, 1000) // 1000)
        END::INTEGER AS foreseen_quantity,
    round(base_price * (list_permille * discount_permille)::INTEGER * 0.000001, 2)::DECIMAL(18, 2) AS unit_price,
    CASE WHEN sold_from >= year_start OR sold_until < year_start THEN 0
        ELSE greatest(1, seasonal_quantity * planned_growth_permille // 1000) END::INTEGER AS plan_quantity,
    round(base_price * (1010 + 20 * (year(year_start) - year(getvariable('first_month'))))::INTEGER * 0.001, 2)
        ::DECIMAL(18, 2) AS plan_price
FROM grown;

CREATE TEMP TABLE spot_rates AS
WITH weeks AS (
    SELECT day::DATE AS rate_date
    FROM generate_series(
        date_trunc('week', getvariable('first_month') - 1), getvariable('cutoff')::TIMESTAMP, INTERVAL 7 DAY
    ) AS t(day)
), walked AS (
    SELECT
        currency, rate_date, rate,
        sum((die(roll('rate|' || currency || '|' || rate_date), 1) - 499) * 8)
            OVER (PARTITION BY currency ORDER BY rate_date) AS millionths
    FROM currencies CROSS JOIN weeks
)
SELECT currency, rate_date, (rate + rate * millionths::INTEGER * 0.000001)::DECIMAL(18, 6) AS rate FROM walked;

CREATE TEMP TABLE budget_rates AS
SELECT
    currency, year_start,
    (rate * (990 + die(roll('budget|' || currency || '|' || year_start), 1) * 2 // 100) * 0.001)::DECIMAL(18, 6) AS rate
FROM currencies CROSS JOIN (SELECT DISTINCT year_start FROM months WHERE month <= getvariable('last_month'));
