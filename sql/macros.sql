-- Macros of every database. They say once what a figure means where it is undefined or has to be rounded.

-- NULL where the denominator is 0 or unknown: undefined is never 0, inf or NaN.
CREATE OR REPLACE MACRO ratio(numerator, denominator) AS
    CASE WHEN denominator = 0 THEN NULL ELSE numerator::DOUBLE / denominator::DOUBLE END;

-- A ratio to six digits; from a trillion up to whole numbers, because the others would be noise. Like all figures of any size it has up to
-- 30 digits before the point: then no UNION, CASE or comparison of two decimals takes digits after the point away.
CREATE OR REPLACE MACRO shown_ratio(x) AS
    CASE WHEN abs(x) < 1e12 THEN x::DECIMAL(36, 6) ELSE x::DECIMAL(30, 0)::DECIMAL(36, 6) END;

-- A decimal of more than 18 digits takes a hundred times as long to round as a shorter one or a double. So what is small enough takes a
-- short way, with the same result. x is a double, the number in units of the last digit that is kept: below 10¹³ it is off by less than
-- 0.01 of them, and what is nearer to a half goes the long way.
CREATE OR REPLACE MACRO is_far_from_half(x) AS abs(x) < 1e13 AND abs(abs(x) % 1 - 0.5) > 0.02;

-- An exact amount to the cent, half away from zero.
CREATE OR REPLACE MACRO to_cents(amount) AS
    CASE
        WHEN is_far_from_half(amount::DOUBLE * 100) THEN amount::DOUBLE::DECIMAL(18, 2)::DECIMAL(32, 2)
        ELSE round(amount, 2)::DECIMAL(32, 2)
    END;

-- A quotient or another double to the cent: six digits first, so that float noise does not decide a tie.
CREATE OR REPLACE MACRO money_round(amount) AS
    CASE
        WHEN abs(amount) < 1e11 THEN round(amount::DECIMAL(18, 6), 2)::DECIMAL(32, 2)
        ELSE round(amount::DECIMAL(36, 6), 2)::DECIMAL(32, 2)
    END;

-- A quantity of four digits at the price of one, to four digits, half away from zero.
CREATE OR REPLACE MACRO line_amount(quantity, price) AS
    CASE
        WHEN is_far_from_half(quantity::DOUBLE * price::DOUBLE * 10000)
        THEN (quantity::DOUBLE * price::DOUBLE)::DECIMAL(18, 4)::DECIMAL(34, 4)
        ELSE (quantity::DECIMAL(28, 4) * price)::DECIMAL(34, 4)
    END;

-- The part of an exact number that some of its days bring, to a whole number of units, half away from zero; all days bring all of it. With
-- `per_unit` = 100 and `unit` = 0.01 to the cent. Whole numbers, because a quotient of decimals is a double.
CREATE OR REPLACE MACRO part_of(x, days, all_days, per_unit, unit) AS
    CASE
        WHEN days = all_days THEN x
        ELSE
            (
                (((x * per_unit)::HUGEINT * days * 2 + sign(x)::HUGEINT * all_days) // (2 * all_days))::DECIMAL(30, 0)
                * unit::DECIMAL(8, 4)
            )::DECIMAL(18, 4)
    END;

-- What a name, manager, line or region is called where neither the row nor the master data says it.
CREATE OR REPLACE MACRO known(name) AS coalesce(name, 'unknown');

-- Whether a load's source is a file that `kam forecast` made, and not what a sender gave.
CREATE OR REPLACE MACRO is_made_here(source) AS starts_with(source, 'kam forecast ');

-- Whether a word is one of a list; without a list any is, also none.
CREATE OR REPLACE MACRO is_among(word, words) AS words IS NULL OR coalesce(list_contains(words, word), false);

-- Of a cancelled order line without a date nobody knows when it ended: it counts never. With a date it counts before that day.
CREATE OR REPLACE MACRO never_counts(status, cancelled_date) AS
    coalesce(status = 'cancelled' AND cancelled_date IS NULL, false);

-- What a row of GROUPING SETS adds up. Each parameter is grouping(<column>): 0 where the row is of one value of it.
CREATE OR REPLACE MACRO level_name(all_accounts, all_managers, all_products := 1) AS
    CASE
        WHEN all_accounts = 0 THEN 'account'
        WHEN all_products = 0 THEN 'product'
        WHEN all_managers = 0 THEN 'account_manager'
        ELSE 'total'
    END;

-- Why the quantities of several rows have no sum, `differ` being min(unit) <> max(unit): a row without a unit goes with any.
CREATE OR REPLACE MACRO units_reason(differ) AS CASE WHEN differ THEN 'items of different units' END;

-- Forecast error measures. Actual and forecast are quantities, DECIMAL(34, 4); e = actual - forecast. A measure of one row is rounded
-- to six digits before it is averaged: a sum of decimals does not depend on the order of its rows, a sum of doubles does.

-- The mean of exact numbers, as a DOUBLE; NULL values do not count, and NULL where there are none.
CREATE OR REPLACE MACRO exact_mean(x) AS ratio(sum(x), count(x));

-- What one item of a forecast is, by the columns that its round is compared by.
CREATE OR REPLACE MACRO forecast_grain(by_account, by_product) AS
    CASE
        WHEN by_account AND by_product THEN 'account_product'
        WHEN by_account THEN 'account'
        WHEN by_product THEN 'product'
        ELSE 'total'
    END;

-- The square of an exact number, in two columns to be added up: those of trillions and more leave no room for decimals.
CREATE OR REPLACE MACRO exact_square(x) AS
    CASE WHEN abs(x) < 1000000000000 THEN x::DECIMAL(18, 4)::DECIMAL(28, 4) * x::DECIMAL(18, 4) END;
CREATE OR REPLACE MACRO great_square(x) AS
    CASE WHEN abs(x) >= 1000000000000 THEN (x::DOUBLE * x::DOUBLE)::DECIMAL(38, 0) END;

-- Σ|e| ÷ Σ|actual| over the rows that have a forecast.
CREATE OR REPLACE MACRO wape(actual, forecast) AS
    ratio(sum(abs(actual - forecast)), sum(abs(actual)) FILTER (WHERE forecast IS NOT NULL));

-- Σ(forecast - actual) ÷ Σactual, an over-forecast being positive; NULL where returns leave no sales to compare with.
CREATE OR REPLACE MACRO forecast_bias(actual, forecast) AS
    CASE WHEN sum(actual) > 0 THEN ratio(sum(forecast - actual), sum(actual)) END;

CREATE OR REPLACE MACRO mae(actual, forecast) AS exact_mean(abs(actual - forecast));
CREATE OR REPLACE MACRO rmse(actual, forecast) AS
    sqrt(
        ratio(
            coalesce(sum(exact_square(actual - forecast)), 0)::DOUBLE + coalesce(sum(great_square(actual - forecast)), 0)::DOUBLE,
            count(actual - forecast)
        )
    );

-- One row's |e| ÷ |actual|; NULL where nothing was sold.
CREATE OR REPLACE MACRO percentage_error(actual, forecast) AS
    shown_ratio(ratio(abs(actual - forecast), abs(actual)));
CREATE OR REPLACE MACRO mape(actual, forecast) AS exact_mean(percentage_error(actual, forecast));

-- One row's 2|e| ÷ (|actual| + |forecast|), 0 to 2; no forecast and no sale agree, so that is 0.
CREATE OR REPLACE MACRO symmetric_error(actual, forecast) AS
    CASE
        WHEN actual = 0 AND forecast = 0 THEN 0
        ELSE ratio(2 * abs(actual - forecast), abs(actual) + abs(forecast))
    END::DECIMAL(18, 6);
CREATE OR REPLACE MACRO smape(actual, forecast) AS exact_mean(symmetric_error(actual, forecast));

-- One row's |e| ÷ scale, the scale being the error that a naive forecast had in the item's own history (Hyndman and Koehler 2006).
CREATE OR REPLACE MACRO scaled_error(actual, forecast, scale) AS
    shown_ratio(ratio(abs(actual - forecast), scale));
CREATE OR REPLACE MACRO mase(actual, forecast, scale) AS exact_mean(scaled_error(actual, forecast, scale));

-- The rows of one item; the scale is the root of its mean squared in-sample naive error.
CREATE OR REPLACE MACRO rmsse(actual, forecast, scale) AS ratio(rmse(actual, forecast), scale);

-- In sample: |value - value one season earlier| of an unbroken history, NULL in the first season. A season of 1 is the plain naive.
CREATE OR REPLACE MACRO naive_error(quantity, season, item, month_index) AS
    abs(quantity - lag(quantity, season) OVER (PARTITION BY item ORDER BY month_index));

-- The sum of an item's numbers from its first month to each month.
CREATE OR REPLACE MACRO sum_to_date(x, item, month_index) AS
    coalesce(sum(x) OVER (PARTITION BY item ORDER BY month_index ROWS UNBOUNDED PRECEDING), 0);

-- The mean of an item's exact numbers from its first month to each month.
CREATE OR REPLACE MACRO mean_to_date(x, item, month_index) AS
    ratio(
        sum_to_date(x, item, month_index),
        count(x) OVER (PARTITION BY item ORDER BY month_index ROWS UNBOUNDED PRECEDING)
    );
CREATE OR REPLACE MACRO mean_square_to_date(x, item, month_index) AS
    ratio(
        sum_to_date(exact_square(x), item, month_index)::DOUBLE + sum_to_date(great_square(x), item, month_index)::DOUBLE,
        count(x) OVER (PARTITION BY item ORDER BY month_index ROWS UNBOUNDED PRECEDING)
    );

-- Trends of a rating: lists of exact numbers in the order of time.
CREATE OR REPLACE MACRO list_mean(scores) AS ratio(list_sum(scores), len(scores));

-- Least squares over points {month, score}, in points a month.
CREATE OR REPLACE MACRO least_squares_slope(points) AS
    ratio(
        len(points) * list_sum([point.month * point.score FOR point IN points])
        - list_sum([point.month FOR point IN points]) * list_sum([point.score FOR point IN points]),
        len(points) * list_sum([point.month * point.month FOR point IN points])
        - list_sum([point.month FOR point IN points]) ** 2
    );

-- Mann-Kendall S (Mann 1945, Kendall 1975): the pairs in which the later score is higher, less those in which it is lower.
CREATE OR REPLACE MACRO mann_kendall_s(scores) AS
    list_sum(flatten([
        [sign(scores[later] - scores[earlier]) FOR later IN range(earlier + 1, len(scores) + 1)]
        FOR earlier IN range(1, len(scores))
    ]));

-- Σ t (t - 1)(2t + 5) over groups of t equal scores, added up score by score.
CREATE OR REPLACE MACRO mann_kendall_ties(scores) AS
    list_sum([
        (list_count([other FOR other IN scores IF other = score]) - 1)
        * (2 * list_count([other FOR other IN scores IF other = score]) + 5)
        FOR score IN scores
    ]);

-- The normal approximation with continuity and tie correction; NULL where all scores are equal.
CREATE OR REPLACE MACRO mann_kendall_z(scores) AS
    sign(mann_kendall_s(scores)) * ratio(
        abs(mann_kendall_s(scores)) - 1,
        sqrt((len(scores) * (len(scores) - 1) * (2 * len(scores) + 5) - mann_kendall_ties(scores)) / 18)
    );

-- Plan variance.

-- The sum over the rows counted: 0 over no rows, NULL where a row counted is unknown, never the sum of the rest.
CREATE OR REPLACE MACRO complete_sum(x, counted) AS
    CASE
        WHEN count(x) FILTER (WHERE counted) = count(*) FILTER (WHERE counted) THEN coalesce(sum(x) FILTER (WHERE counted), 0)
    END;

-- What a bridge of one or more items shows; reason says why it has no lanes.
CREATE OR REPLACE MACRO bridge_status(reason, has_plan, has_sales, has_sold_quantity) AS
    CASE
        WHEN reason LIKE 'no rate%' THEN reason
        WHEN has_sales AND NOT has_plan THEN 'new'
        WHEN reason IS NOT NULL THEN reason
        WHEN NOT has_plan THEN 'nothing planned or sold'
        WHEN NOT has_sold_quantity THEN 'lost'
        ELSE 'complete'
    END;

-- Red, amber or green by the variance ratio; NULL without one.
CREATE OR REPLACE MACRO rag_colour(variance_ratio, green_ratio, amber_ratio) AS
    CASE
        WHEN variance_ratio >= green_ratio THEN 'green'
        WHEN variance_ratio >= amber_ratio THEN 'amber'
        WHEN variance_ratio IS NOT NULL THEN 'red'
    END;

-- A product of exact numbers to eight decimals, half away from zero. Their digits after the point are at most 18.
CREATE OR REPLACE MACRO exact_product(x, y) AS
    CASE
        WHEN is_far_from_half(x::DOUBLE * y::DOUBLE * 1e8) THEN (x::DOUBLE * y::DOUBLE)::DECIMAL(18, 8)::DECIMAL(38, 8)
        ELSE (x * y)::DECIMAL(38, 8)
    END;

-- An amount at a rate and a quantity at a price, to eight decimals; NULL from 10²⁷ up, so that there is room for sums. A product with all
-- digits of both has no room for trillions of trillions.
CREATE OR REPLACE MACRO at_rate(amount, rate) AS
    CASE
        WHEN rate = 1 AND abs(amount::DOUBLE) < 1e19 THEN amount::DECIMAL(38, 8)
        WHEN abs(amount::DOUBLE * rate::DOUBLE) < 1e19 THEN exact_product(amount::DECIMAL(28, 8), rate)
        WHEN abs(amount::DOUBLE * rate::DOUBLE) < 1e23 THEN (amount::DECIMAL(38, 4) * rate)::DECIMAL(38, 8)
        WHEN abs(amount::DOUBLE * rate::DOUBLE) < 1e27 THEN (amount::DOUBLE * rate::DOUBLE)::DECIMAL(38, 8)
    END;
CREATE OR REPLACE MACRO at_price(quantity, price) AS
    CASE
        WHEN abs(quantity::DOUBLE * price::DOUBLE) < 1e23 THEN exact_product(quantity::DECIMAL(38, 4), price)
        WHEN abs(quantity::DOUBLE * price::DOUBLE) < 1e27 THEN (quantity::DOUBLE * price::DOUBLE)::DECIMAL(38, 8)
    END;

-- What falls on some days of many, where each day has as much of it: exact to four decimals, half away from zero. x is not negative.
CREATE OR REPLACE MACRO share_of_days(x, days, of_days) AS
    ((((x::DECIMAL(28, 4) * 10000)::HUGEINT * days * 2 + of_days) // (of_days * 2))::DECIMAL(34, 0) * 0.0001)::DECIMAL(34, 4);

-- Receivables.

-- An amount of up to four digits in the reporting currency, to the cent; NULL without a rate. Amounts in the reporting currency itself
-- have room for no product.
CREATE OR REPLACE MACRO converted(amount, rate) AS
    CASE
        WHEN rate = 1 THEN to_cents(amount)
        WHEN is_far_from_half(amount::DOUBLE * rate::DOUBLE * 100) THEN (amount::DOUBLE * rate::DOUBLE)::DECIMAL(18, 2)::DECIMAL(32, 2)
        ELSE round(amount::DECIMAL(38, 4) * rate, 2)::DECIMAL(32, 2)
    END;

-- Why an amount has no value in the reporting currency. bridge_status looks for how it begins.
CREATE OR REPLACE MACRO no_rate(currency) AS 'no rate for ' || currency;
CREATE OR REPLACE MACRO rate_reason(rate, currency) AS CASE WHEN rate IS NULL THEN no_rate(currency) END;

-- The sum over the rows counted, whatever lacks an amount bringing a reason: NULL where one does, never the sum of the rest.
CREATE OR REPLACE MACRO reasoned_sum(amount, reason, counted) AS
    CASE WHEN count(reason) FILTER (WHERE counted) = 0 THEN coalesce(sum(amount) FILTER (WHERE counted), 0) END;

-- The sum of the amounts that are known over the rows counted; NULL where none of them is.
CREATE OR REPLACE MACRO known_sum(amount, reason, counted) AS
    CASE
        WHEN count(amount) FILTER (WHERE counted) > 0 THEN sum(amount) FILTER (WHERE counted)
        WHEN count(reason) FILTER (WHERE counted) = 0 THEN 0
    END;

-- Why a figure is unknown that needs a feed; NULL where the site declares it. `declared` is build.settings.declared_feeds.
CREATE OR REPLACE MACRO undeclared_reason(feed, declared) AS
    CASE WHEN NOT list_contains(declared, feed) THEN 'the feed ' || feed || ' is not declared' END;

-- Where a validation rule draws its line: its own threshold or the site's. By hand, after: SET VARIABLE thresholds = MAP {'<rule>': 7}.
CREATE OR REPLACE MACRO threshold(rule) AS
    map_extract_value(getvariable('thresholds')::MAP(VARCHAR, DECIMAL(18, 6)), rule);

-- Flags.

-- A number with thousands parted by commas, and no zeros after the last digit behind the point.
CREATE OR REPLACE MACRO shown_number(x, digits) AS
    regexp_replace(format('{:,.' || digits || 'f}', x), '\.0+$|(\.\d*[1-9])0+$', '\1');

-- A figure as a sentence shows it.
CREATE OR REPLACE MACRO shown_figure(x, shown, currency) AS
    coalesce(
        CASE shown
            WHEN 'percent' THEN shown_number(100 * x::DOUBLE, 1) || ' %'
            WHEN 'money' THEN regexp_replace(format('{:,.2f}', x::DOUBLE), '\.00$', '') || ' ' || currency
            WHEN 'days' THEN shown_number(x::DOUBLE, 0) || ' days'
            WHEN 'ppm' THEN shown_number(x::DOUBLE, 0) || ' ppm'
            WHEN 'points' THEN shown_number(x::DOUBLE, 1) || ' points'
            ELSE shown_number(x::DOUBLE, 1)
        END,
        'unknown'
    );
