"""The same tables in lazy Polars, straight from the files.

    python -m benchmarks.peers.in_polars FILES FOLDER MONTH

Amounts are whole cents and rates whole millionths, so that sums are exact as ours are. Nothing is loaded into a database.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from datetime import date
from pathlib import Path

import polars as pl

from kam.periods import add_months, parse_month

_DATES = (
    "rate_date", "order_date", "requested_date", "promised_date", "last_promised_date", "cancelled_date", "delivered_date",
    "invoice_date", "due_date", "payment_date", "month", "snapshot_month", "target_month",
)  # fmt: skip
_TEXTS = (
    "account_id",
    "product_id",
    "currency",
    "status",
    "document_type",
    "invoice_id",
    "reference_invoice_id",
    "order_id",
)
_MILLION = 1_000_000
_BASES = ("requested", "promised", "last_promised")


class Tables:
    """The tables of one month, as lazy frames."""

    def __init__(self, files: Path, month: date) -> None:
        self._files = files
        self._month = month
        self._end = pl.lit(month).dt.month_end()
        self._prior_year = add_months(month, -12)
        self._invoices = self._scan("invoices").with_columns(
            pl.col("invoice_date").dt.truncate("1mo").alias("month"),
            _cents("net_amount"),
            _cents("tax_amount"),
            (pl.col("document_type") == "credit_note").alias("is_credit"),
            pl.when(pl.col("document_type") == "credit_note").then(-1).otherwise(1).alias("sign"),
        )
        rates = self._scan("fx_rates").with_columns((pl.col("rate") * _MILLION).round().cast(pl.Int64))
        self._day_rates = _with_euro(rates.filter(pl.col("rate_type") == "spot"), "rate_date", ["rate"])
        budget = rates.filter(pl.col("rate_type") == "budget").select(
            "currency", year=pl.col("rate_date").dt.year(), budget="rate"
        )
        average = rates.filter(pl.col("rate_type") == "average").select(
            "currency", month="rate_date", average="rate", year=pl.col("rate_date").dt.year()
        )
        self._month_rates = _with_euro(average.join(budget, on=["currency", "year"]), "month", ["average", "budget"])

    def _scan(self, feed: str) -> pl.LazyFrame:
        file = self._files / f"{feed}.csv"
        header = file.open(encoding="utf-8").readline().strip().split(",")
        types = {name: pl.Date for name in header if name in _DATES} | {
            name: pl.String for name in header if name in _TEXTS
        }
        return pl.scan_csv(file, schema_overrides=types)

    def sales(self) -> pl.LazyFrame:
        """Account × part: what was sold and ordered, in the month and the windows that end with it."""
        seen = (pl.col("month") >= self._prior_year) & (pl.col("month") <= self._month)
        sold = self._invoices.filter(seen).select(
            "month", "account_id", "product_id", "currency",
            net_quantity=pl.col("sign") * pl.col("quantity"),
            net=pl.col("sign") * pl.col("net_amount"),
            return_quantity=pl.when("is_credit").then("quantity"),
            returned=pl.when(pl.col("is_credit") & pl.col("quantity").is_not_null()).then("net_amount"),
            adjusted=pl.when(pl.col("quantity").is_null()).then(-pl.col("net_amount")),
        )  # fmt: skip
        counts = (pl.col("status") != "cancelled") | pl.col("cancelled_date").is_not_null()
        ordered = (
            self._scan("orders")
            .with_columns(pl.col("order_date").dt.truncate("1mo").alias("month"))
            .filter(seen & counts)
            .select(
                "month", "account_id", "product_id", "currency", ordered_quantity="quantity",
                ordered=pl.col("quantity") * (pl.col("unit_price") * 100).round().cast(pl.Int64),
            )
        )  # fmt: skip
        amounts = {
            "net": "net_amount",
            "returned": "return_amount",
            "adjusted": "adjustment_amount",
            "ordered": "ordered_amount",
        }
        quantities = ("net_quantity", "return_quantity", "ordered_quantity")
        keys = ["month", "account_id", "product_id"]
        months = (
            pl.concat([sold, ordered], how="diagonal")
            .group_by(*keys, "currency")
            .agg(pl.col(*quantities, *amounts).sum())
            .join(self._month_rates, on=["month", "currency"])
            .group_by(keys)
            .agg(
                pl.col(quantities).sum(),
                *(
                    _rounded((pl.col(name) * pl.col("average")).sum(), _MILLION).alias(new)
                    for name, new in amounts.items()
                ),
            )
        )
        return self._windows(months, [*quantities, *amounts.values()])

    def _windows(self, months: pl.LazyFrame, current: list[str]) -> pl.LazyFrame:
        this_year = pl.col("month").dt.year() == self._month.year
        windows = {
            "": (pl.col("month") == self._month, current),
            "prior_year_": (pl.col("month") == self._prior_year, ["net_amount"]),
            "ytd_": (this_year, ["net_quantity", "net_amount", "ordered_amount"]),
            "rolling_12_": (pl.col("month") > self._prior_year, ["net_quantity", "net_amount", "ordered_amount"]),
        }
        return _in_euros(
            months.group_by("account_id", "product_id").agg(
                pl.col(name).filter(rows).sum().alias(f"{prefix}{name}")
                for prefix, (rows, names) in windows.items()
                for name in names
            )
        )

    def sales_plan_variance(self) -> pl.LazyFrame:
        """Account × part: plan and sales, and the bridge between them. Sums at a rate are in hundred-millionths."""
        this_year = (pl.col("month").dt.year() == self._month.year) & (pl.col("month") <= self._month)
        plan = (
            self._scan("sales_plan")
            .filter(this_year)
            .join(self._month_rates, on=["month", "currency"])
            .select(
                "month", "account_id", "product_id", plan_quantity="quantity",
                plan=pl.col("quantity") * (pl.col("unit_price") * 100).round().cast(pl.Int64) * pl.col("budget"),
            )
        )  # fmt: skip
        sign_net = pl.col("sign") * pl.col("net_amount")
        has_quantity = pl.col("quantity").is_not_null()
        sold = (
            self._invoices.filter(this_year | (pl.col("month") == self._prior_year))
            .group_by("month", "account_id", "product_id", "currency")
            .agg(
                quantity=(pl.col("sign") * pl.col("quantity")).sum(),
                quantity_count=pl.col("quantity").count(),
                doc=sign_net.filter(has_quantity).sum(),
                other_doc=sign_net.filter(~has_quantity).sum(),
            )
            .join(self._month_rates, on=["month", "currency"])
            .select(
                "month", "account_id", "product_id", "quantity", "quantity_count",
                amount=pl.col("doc") * pl.col("average"),
                other=pl.col("other_doc") * pl.col("average"),
                planned_rate=pl.col("doc") * pl.col("budget"),
            )
        )  # fmt: skip
        now = pl.col("month") == self._month
        both = pl.concat([plan, sold], how="diagonal")
        items = both.group_by("account_id", "product_id").agg(
            pl.col("plan_quantity", "plan", "quantity", "quantity_count", "amount", "other", "planned_rate")
            .filter(now)
            .sum(),
            is_sold=pl.col("amount").filter(now).count() > 0,
            ytd_plan_amount=_rounded(pl.col("plan").sum(), _MILLION),
            ytd_actual_amount=_rounded((pl.col("amount") + pl.col("other")).filter(this_year).sum(), _MILLION),
            prior_year_amount=_rounded(
                (pl.col("amount") + pl.col("other")).filter(pl.col("month") == self._prior_year).sum(), _MILLION
            ),
        )
        return _in_euros(self._bridged(items))

    def _bridged(self, items: pl.LazyFrame) -> pl.LazyFrame:
        planned, sold = pl.col("plan_quantity") > 0, pl.col("quantity") > 0
        continuing = planned & sold
        group = {
            name: pl.col(column).filter(continuing).sum().over("account_id")
            for name, column in (("group_plan", "plan_quantity"), ("group_sold", "quantity"))
        }
        plan, at_plan_rate = pl.col("plan") / 1e8, pl.col("planned_rate") / 1e8
        zero = pl.lit(0, pl.Int64)
        volume = plan * (pl.col("group_sold") - pl.col("group_plan")) / pl.col("group_plan")
        price = at_plan_rate - plan * pl.col("quantity") / pl.col("plan_quantity")
        effects = {
            "volume_effect": pl.when(continuing).then(_money(volume)).otherwise(zero),
            "price_effect": pl.when(continuing).then(_money(price)).otherwise(zero),
            "fx_effect": pl.when(sold)
            .then(_rounded(pl.col("amount") - pl.col("planned_rate"), _MILLION))
            .otherwise(zero),
            "new_effect": pl.when(sold & ~continuing).then(_rounded(pl.col("planned_rate"), _MILLION)).otherwise(zero),
            "lost_effect": pl.when(planned & ~continuing).then(-_rounded(pl.col("plan"), _MILLION)).otherwise(zero),
            "adjustment_effect": _rounded(pl.col("other") + pl.when(sold).then(zero).otherwise("amount"), _MILLION),
        }
        actual, plan_amount = _rounded(pl.col("amount") + pl.col("other"), _MILLION), _rounded(pl.col("plan"), _MILLION)
        return items.with_columns(**group).select(
            pl.lit(f"B{self._month.year}").alias("plan_version"), "account_id", "product_id", "plan_quantity",
            plan_amount=plan_amount,
            # Rebates alone have no quantity.
            actual_quantity=pl.when((pl.col("quantity_count") > 0) | ~pl.col("is_sold")).then("quantity"),
            actual_amount=actual,
            variance_amount=actual - plan_amount,
            variance_ratio=pl.when(pl.col("plan") > 0).then((actual - plan_amount) / plan_amount),
            **effects,
            mix_effect=actual - plan_amount - pl.sum_horizontal(effects.values()),
            ytd_plan_amount="ytd_plan_amount", ytd_actual_amount="ytd_actual_amount", prior_year_amount="prior_year_amount",
        )  # fmt: skip

    def receivables(self) -> dict[str, pl.LazyFrame]:
        """Open items, account × bucket, and the key figures of an account."""
        items = self._open_items()
        open_now = pl.col("outstanding_amount")
        invoice, overdue = pl.col("item_type") == "invoice", pl.col("days_overdue") > 0
        balances = items.group_by("account_id").agg(
            closing_amount=open_now.sum(),
            current_amount=open_now.filter(invoice & ~overdue).sum(),
            overdue_amount=open_now.filter(invoice & overdue).sum(),
            unapplied_cash=-open_now.filter(pl.col("item_type") == "unapplied_cash").sum(),
        )
        first = add_months(self._month, -2)
        billed = (
            self._invoices.filter((pl.col("invoice_date") >= first) & (pl.col("invoice_date") <= self._end))
            .group_by("account_id", "invoice_id", "invoice_date", "currency")
            .agg(gross=(pl.col("sign") * (pl.col("net_amount") + pl.col("tax_amount"))).sum())
            .join(self._day_rates, left_on=["currency", "invoice_date"], right_on=["currency", "rate_date"])
            .with_columns(_rounded(pl.col("gross") * pl.col("rate"), _MILLION).alias("billed"))
            .group_by("account_id")
            .agg(
                window_billed_amount=pl.col("billed").sum(),
                billed_amount=pl.col("billed").filter(pl.col("invoice_date") >= self._month).sum(),
            )
        )
        window, owed = pl.col("window_billed_amount"), pl.col("current_amount") + pl.col("overdue_amount")
        days = (add_months(self._month, 1) - first).days
        kpis = balances.join(billed, on="account_id", how="full", coalesce=True).fill_null(0)
        return {
            "receivables_ageing": _in_euros(items),
            "receivables_summary": _in_euros(
                items.group_by("account_id", "bucket").agg(outstanding_amount=open_now.sum(), item_count=pl.len())
            ),
            "receivables_kpis": _in_euros(kpis).with_columns(
                dso_days=pl.when(window > 0).then(_money(pl.col("closing_amount") / window * days) / 100),
                overdue_ratio=pl.when(owed != 0).then(pl.col("overdue_amount") / owed),
            ),
        }

    def _open_items(self) -> pl.LazyFrame:
        documents = (
            self._invoices.filter(pl.col("invoice_date") <= self._end)
            .group_by("invoice_id")
            .agg(
                pl.col("account_id", "currency", "is_credit", "reference_invoice_id", "due_date").first(),
                document_date=pl.col("invoice_date").first(),
                gross=(pl.col("net_amount") + pl.col("tax_amount")).sum(),
            )
        )
        payments = self._scan("payments").filter(pl.col("payment_date") <= self._end).with_columns(_cents("amount"))
        written_off = pl.col("payment_type") == "write_off"
        paid = payments.filter(pl.col("invoice_id").is_not_null()).group_by("invoice_id").agg(
            paid_amount_doc=pl.col("amount").filter(~written_off).sum(),
            written_off_amount_doc=pl.col("amount").filter(written_off).sum(),
        )  # fmt: skip
        names_invoice = pl.col("reference_invoice_id").is_not_null()
        credited = documents.filter(pl.col("is_credit") & names_invoice).group_by(invoice_id="reference_invoice_id").agg(
            credited_amount_doc=pl.col("gross").sum()
        )  # fmt: skip
        settled = ("paid_amount_doc", "credited_amount_doc", "written_off_amount_doc")
        invoices = (
            documents.filter(~pl.col("is_credit"))
            .join(paid, on="invoice_id", how="left")
            .join(credited, on="invoice_id", how="left")
            .with_columns(pl.col(settled).fill_null(0))
            .select(
                pl.lit("invoice").alias("item_type"), pl.lit(1).cast(pl.Int64).alias("line_no"), "account_id", "currency",
                "document_date", "due_date", *settled, document_id="invoice_id", original_amount_doc="gross",
                outstanding_amount_doc=pl.col("gross") - pl.sum_horizontal(settled),
            )
            .filter(pl.col("outstanding_amount_doc") != 0)
        )  # fmt: skip
        credits_ = documents.filter(pl.col("is_credit") & ~names_invoice).select(
            *_alone("credit", "document_date", "gross"),
            pl.lit(1).cast(pl.Int64).alias("line_no"),
            document_id="invoice_id",
        )
        cash = payments.filter(pl.col("invoice_id").is_null()).select(
            *_alone("unapplied_cash", "payment_date", "amount"), "line_no", document_id="payment_id"
        )
        rates = self._day_rates
        return (
            pl.concat([invoices, credits_, cash], how="diagonal")
            .join(rates.filter(pl.col("rate_date") == self._end).select("currency", closing="rate"), on="currency")
            .join(
                rates.rename({"rate": "book"}),
                left_on=["currency", "document_date"],
                right_on=["currency", "rate_date"],
            )
            .with_columns(
                pl.col(settled).fill_null(0),
                _rounded(pl.col("outstanding_amount_doc") * pl.col("closing"), _MILLION).alias("outstanding_amount"),
                _rounded(pl.col("outstanding_amount_doc") * pl.col("book"), _MILLION).alias("book_amount"),
                (self._end - pl.col("due_date")).dt.total_days().alias("days_overdue"),
            )
            .with_columns(_bucket(pl.col("days_overdue")).alias("bucket"))
            .drop("closing", "book")
        )

    def delivery_performance(self) -> pl.LazyFrame:
        """Account × basis: whether the lines due in the month came on time and in full."""
        counts = (pl.col("status") != "cancelled") | (pl.col("cancelled_date") > self._end)
        lines = (
            self._scan("orders")
            .filter(counts & (pl.col("requested_date") <= self._end) & (pl.col("last_promised_date") >= self._month))
            .rename({f"{basis}_date": basis for basis in _BASES})
            .unpivot(
                on=_BASES,
                index=["order_id", "line_no", "account_id", "quantity", "status"],
                variable_name="basis",
                value_name="due",
            )
            .filter(pl.col("due").is_between(self._month, self._end))
        )
        keys = ["order_id", "line_no", "account_id", "basis", "due", "quantity", "status"]
        arrivals = (
            self._scan("deliveries")
            .filter(pl.col("delivered_date") <= self._end)
            .select("order_id", "delivered_date", line_no="order_line_no", arrived="quantity")
        )
        came, when = pl.col("arrived"), pl.col("delivered_date")
        judged = (
            lines.join(arrivals, on=["order_id", "line_no"], how="left")
            .group_by(keys)
            .agg(
                delivered=came.sum(),
                in_window=came.filter(when <= pl.col("due").first()).sum(),
                completed=when.sort().filter(came.sort_by(when).cum_sum() >= pl.col("quantity").first()).min(),
                last=when.max(),
            )
            .with_columns(closed=pl.when(pl.col("status") == "closed").then("last"))
            .with_columns(
                is_on_time=(pl.col("in_window") > 0)
                & (pl.col("in_window") >= pl.min_horizontal("quantity", "delivered")),
                is_in_full=pl.col("completed").is_not_null(),
                is_open=pl.col("completed").is_null() & pl.col("closed").is_null(),
                late=(pl.coalesce("completed", "closed", self._end) - pl.col("due")).dt.total_days(),
            )
            .with_columns(is_late=(pl.col("late") > 0) | pl.col("is_open"))
        )
        otif = (pl.col("is_on_time") & pl.col("is_in_full")).sum()
        return judged.group_by("account_id", "basis").agg(
            line_count=pl.len(),
            on_time_count=pl.col("is_on_time").sum(),
            in_full_count=pl.col("is_in_full").sum(),
            otif_count=otif,
            late_count=pl.col("is_late").sum(),
            open_late_count=pl.col("is_open").sum(),
            otif_ratio=otif / pl.len(),
            quantity_due=pl.col("quantity").sum(),
            quantity_on_time=pl.min_horizontal("in_window", "quantity").sum(),
            days_late=pl.col("late").filter("is_late").sum(),
        )

    def forecast_accuracy(self) -> pl.LazyFrame:
        """Step × lag × account, and in total: how far off the forecasts of the month were."""
        keys = ["forecast_step", "lag", "account_id", "product_id"]
        snapshot = pl.col("snapshot_month")
        lag = 12 * (self._month.year - snapshot.dt.year()) + self._month.month - snapshot.dt.month()
        forecast = (
            self._scan("forecasts")
            .filter((pl.col("target_month") == self._month) & (snapshot <= self._month))
            .with_columns(lag.cast(pl.Int64).alias("lag"))
            .group_by(keys)
            .agg(forecast=pl.col("quantity").sum())
        )
        sold = (
            self._invoices.filter((pl.col("month") == self._month) & pl.col("quantity").is_not_null())
            .group_by("account_id", "product_id")
            .agg(actual=(pl.col("sign") * pl.col("quantity")).sum())
            .filter(pl.col("actual") != 0)
            .join(forecast.select("forecast_step", "lag").unique(), how="cross")
        )
        items = forecast.join(sold, on=keys, how="full", coalesce=True).with_columns(
            pl.col("actual", "forecast").fill_null(0)
        )
        actual, error = pl.col("actual"), (pl.col("actual") - pl.col("forecast")).abs()
        measures = {
            "n": pl.len(),
            "actual_quantity": actual.sum(),
            "forecast_quantity": pl.col("forecast").sum(),
            "absolute_error_quantity": error.sum(),
            "wape": pl.when(actual.abs().sum() != 0).then(error.sum() / actual.abs().sum()),
            "bias_ratio": pl.when(actual.sum() > 0).then((pl.col("forecast") - actual).sum() / actual.sum()),
            "mae": error.mean(),
        }
        by_account = (
            items.group_by("forecast_step", "lag", "account_id").agg(**measures).with_columns(level=pl.lit("account"))
        )
        total = items.group_by("forecast_step", "lag").agg(**measures).with_columns(level=pl.lit("total"))
        return pl.concat([by_account, total], how="diagonal")


def _cents(column: str) -> pl.Expr:
    return (pl.col(column) * 100).round().cast(pl.Int64)


def _rounded(amount: pl.Expr, unit: int) -> pl.Expr:
    """A whole number of units, half away from zero."""
    return amount.sign() * ((amount.abs() + unit // 2) // unit)


def _money(amount: pl.Expr) -> pl.Expr:
    """Cents of a float, six digits first; none where a division by 0 left nothing finite."""
    return _rounded((amount * _MILLION).round().cast(pl.Int64, strict=False), _MILLION // 100)


def _in_euros(frame: pl.LazyFrame) -> pl.LazyFrame:
    names = frame.collect_schema().names()
    amounts = [name for name in names if name.endswith(("_amount", "_amount_doc", "_effect", "_cash"))]
    return frame.with_columns(pl.col(amounts) / 100)


def _bucket(days: pl.Expr) -> pl.Expr:
    label: pl.Expr = pl.lit("over 120")
    for upper, name in ((120, "91-120"), (90, "61-90"), (60, "31-60"), (30, "1-30"), (0, "current")):
        label = pl.when(days <= upper).then(pl.lit(name)).otherwise(label)
    return label


def _with_euro(rates: pl.LazyFrame, day: str, columns: list[str]) -> pl.LazyFrame:
    one = rates.select(
        pl.lit("EUR").alias("currency"), day, *(pl.lit(_MILLION, pl.Int64).alias(name) for name in columns)
    )
    return pl.concat([rates.select("currency", day, *columns), one.unique()])


def _alone(item_type: str, day: str, amount: str) -> Iterable[pl.Expr]:
    """The columns of a credit note or of cash that names no invoice."""
    return (
        pl.lit(item_type).alias("item_type"), pl.col("account_id"), pl.col("currency"), pl.col(day).alias("document_date"),
        pl.col(day).alias("due_date"), -pl.col(amount).alias("original_amount_doc"), -pl.col(amount).alias("outstanding_amount_doc"),
    )  # fmt: skip


def run(files: Path, folder: Path, month: date) -> None:
    """Write each table as Parquet."""
    folder.mkdir(parents=True, exist_ok=True)
    tables = Tables(files, month)
    frames = {
        "sales": tables.sales(),
        "sales_plan_variance": tables.sales_plan_variance(),
        **tables.receivables(),
        "delivery_performance": tables.delivery_performance(),
        "forecast_accuracy": tables.forecast_accuracy(),
    }
    for name, frame in zip(frames, pl.collect_all(frames.values(), engine="streaming"), strict=True):
        frame.write_parquet(folder / f"{name}.parquet")


if __name__ == "__main__":
    run(Path(sys.argv[1]), Path(sys.argv[2]), parse_month(sys.argv[3]))
