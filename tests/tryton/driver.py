"""Works in a Tryton server as its users do, through Tryton's own client, and reads what its reports say.

Run with the interpreter of .venv-tryton: `python driver.py ACCESS.json EVENTS.toml`. ACCESS.json names the server's `url`, `password`
and `calendar` (the file with its date); EVENTS.toml holds `[[events]]` in the order of their days. The answer, on standard output, is
JSON: what Tryton calls each document, and with `[reports]` what its reports say at each month end. Nothing is written but by the client.
"""

from __future__ import annotations

import datetime as dt
import json
import sys
import tomllib
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from proteus import Model, Wizard
from proteus import config as proteus_config
from trytond.modules.account.tests.tools import create_chart, create_fiscalyear, create_tax, get_accounts
from trytond.modules.account_invoice.tests.tools import set_fiscalyear_invoice_sequences
from trytond.modules.company.tests.tools import create_company, get_company

Event = Mapping[str, Any]


def amount_of(value: Any) -> Decimal:
    """TOML's numbers as written."""
    return Decimal(str(value))


def one(model: str, **values: Any) -> Any:
    """The one record with these values."""
    (record,) = Model.get(model).find([(name, "=", value) for name, value in values.items()])
    return record


class Books:
    """The company that the events happen to."""

    def __init__(self, calendar: Path) -> None:
        self.calendar = calendar

    def on(self, day: dt.date) -> None:
        """Let the server have this date."""
        self.calendar.write_text(day.isoformat(), encoding="utf-8")

    # Setting up

    def company(self, event: Event) -> None:
        """The company with its chart of accounts, the years, and what is configured once."""
        create_company(currency=self._currency(event["currency"]))
        (company,) = Model.get("company.company").find()
        company.cancel_invoice_out = True
        company.save()
        create_chart(company)
        for year in event["years"]:
            fiscal = create_fiscalyear(today=(dt.date(year, 1, 1), dt.date(year, 12, 31)))
            fiscal = set_fiscalyear_invoice_sequences(fiscal)
            fiscal.click("create_period")
        accounts = get_accounts()
        self._money(accounts)
        create_tax(amount_of(event["tax"])).save()
        category = Model.get("product.category")(name="Goods", accounting=True)
        category.account_expense, category.account_revenue = accounts["expense"], accounts["revenue"]
        category.customer_taxes.append(Model.get("account.tax").find()[0])
        category.save()
        party = Model.get("party.party")(name=event["employee"])
        party.save()
        Model.get("company.employee")(party=party, company=company).save()

    def _money(self, accounts: Mapping[str, Any]) -> None:
        journals = Model.get("account.journal")
        (cash,) = journals.find([("type", "=", "cash")])
        Model.get("account.invoice.payment.method")(
            name="Bank", journal=cash, credit_account=accounts["cash"], debit_account=accounts["cash"]
        ).save()
        journal = journals(name="Write-Off", type="write-off")
        journal.save()
        expense = accounts["expense"]
        Model.get("account.move.reconcile.write_off")(
            name="Bad debt", journal=journal, credit_account=expense, debit_account=expense
        ).save()
        (exchange,) = accounts["revenue"].duplicate(default={"name": "Exchange differences"})
        configuration = Model.get("account.configuration")(1)
        configuration.currency_exchange_credit_account = exchange
        configuration.currency_exchange_debit_account = exchange
        configuration.save()

    def _currency(self, code: str) -> Any:
        currencies = Model.get("currency.currency")
        found = currencies.find([("code", "=", code)])
        if found:
            return found[0]
        currency = currencies(name=code, code=code, symbol=code, rounding=Decimal("0.01"))
        currency.save()
        return currency

    def rate(self, event: Event) -> None:
        """What one unit of the company's currency buys, from this day on."""
        currency = self._currency(event["currency"])
        Model.get("currency.currency.rate")(currency=currency, date=event["day"], rate=amount_of(event["rate"])).save()

    def terms(self, event: Event) -> None:
        """A payment term: days and shares of its parts; the last part is the rest."""
        term = Model.get("account.invoice.payment_term")(name=event["name"])
        while term.lines:
            term.lines.pop()
        *parts, rest = event["days"]
        for days in parts:
            line = term.lines.new(type="percent_on_total", ratio=amount_of(event["ratio"]))
            line.divisor = 1 / line.ratio
            line.relativedeltas[0].days = days
        term.lines.new(type="remainder").relativedeltas[0].days = rest
        term.save()

    def party(self, event: Event) -> None:
        """A customer with terms and a credit limit."""
        party = Model.get("party.party")(name=event["name"])
        party.customer_payment_term = one("account.invoice.payment_term", name=event["terms"])
        if "limit" in event:
            party.credit_limit_amount = amount_of(event["limit"])
        if "currency" in event:
            party.customer_currency = self._currency(event["currency"])
        party.save()

    def limit(self, event: Event) -> None:
        """Another credit limit of a party."""
        party = one("party.party", name=event["party"])
        party.credit_limit_amount = amount_of(event["amount"])
        party.save()

    def usual_limit(self, event: Event) -> None:
        """The credit limit of those that were given none."""
        configuration = Model.get("account.configuration")(1)
        configuration.default_credit_limit_amount = amount_of(event["amount"])
        configuration.save()

    def product(self, event: Event) -> None:
        """A part that is on stock, or a service."""
        (unit,) = Model.get("product.uom").find([("name", "=", "Unit")])
        template = Model.get("product.template")(name=event["name"], default_uom=unit, salable=True)
        template.type = "service" if event.get("service") else "goods"
        template.code = event["code"]
        template.list_price = amount_of(event["price"])
        template.lead_time = dt.timedelta(days=event.get("days", 0))
        (template.account_category,) = Model.get("product.category").find([("accounting", "=", True)])
        template.save()
        if template.type == "service":
            return
        inventory = Model.get("stock.inventory")(location=one("stock.location", code="STO"))
        line = inventory.lines.new(product=template.products[0])
        line.quantity = 100000.0
        inventory.click("confirm")

    # Selling

    def sale(self, event: Event) -> None:
        """A sale, quoted and confirmed; `quote` stops before that, `until` is the wanted day of shipment."""
        sale = Model.get("sale.sale")(party=one("party.party", name=event["party"]))
        sale.reference = event["id"]
        sale.sale_date = event["day"]
        if "currency" in event:
            sale.currency = self._currency(event["currency"])
        if "until" in event:
            sale.shipping_date = event["until"]
        sale.invoice_method = event.get("invoice", "order")
        self._lines(sale, event["lines"])
        sale.click("quote")
        if not event.get("quote"):
            sale.click("confirm")

    def _lines(self, sale: Any, lines: Sequence[tuple[str, float, float]]) -> None:
        for code, quantity, price in lines:
            line = sale.lines.new()
            line.product = one("product.product", code=code)
            line.quantity = float(quantity)
            line.unit_price = amount_of(price)

    def drop(self, event: Event) -> None:
        """A quotation that came to nothing."""
        one("sale.sale", reference=event["id"]).click("cancel")

    def _waiting(self, sale: str) -> Any:
        shipments = one("sale.sale", reference=sale).shipments
        return next(shipment for shipment in shipments if shipment.state in {"waiting", "assigned"})

    def ship(self, event: Event) -> None:
        """Send the goods, or with `quantity` this much of each line."""
        shipment = self._waiting(event["id"])
        if "quantity" in event:
            for move in shipment.inventory_moves:
                move.quantity = min(float(event["quantity"]), move.quantity)
            shipment.save()
        for step in ("assign_force", "pick", "pack", "do"):
            shipment.click(step)

    def give_up(self, event: Event) -> None:
        """The rest of a sale is not shipped any more, and not invoiced."""
        self._waiting(event["id"]).click("cancel")
        sale = one("sale.sale", reference=event["id"])
        handle = sale.click("handle_shipment_exception")
        handle.form.ignore_moves.extend(handle.form.ignore_moves.find())
        handle.execute("handle")

    def promise(self, event: Event) -> None:
        """The shipment is planned for another day."""
        shipment = self._waiting(event["id"])
        shipment.click("draft")
        shipment.planned_date = dt.date.fromisoformat(str(event["to"]))
        shipment.save()
        shipment.click("wait")

    # Invoicing

    def _invoices(self, sale: str) -> list[Any]:
        return sorted(one("sale.sale", reference=sale).invoices, key=lambda invoice: int(invoice.id))

    def _invoice(self, event: Event) -> Any:
        return self._invoices(event["id"])[event.get("no", 1) - 1]

    def post(self, event: Event) -> None:
        """Post the sale's draft invoices."""
        for invoice in self._invoices(event["id"]):
            if invoice.state == "draft":
                invoice.reference = event["id"]
                invoice.invoice_date = event.get("date", event["day"])
                if "booked" in event:
                    invoice.accounting_date = event["booked"]
                invoice.save()
                invoice.click("post")

    def credit(self, event: Event) -> None:
        """A credit note: for the whole invoice, or with `quantity` for so many of each line; `refund` sets it off against the invoice."""
        invoice = self._invoice(event)
        known = {note.id for note in Model.get("account.invoice").find([])}
        wizard = Wizard("account.invoice.credit", [invoice])
        wizard.form.with_refund = bool(event.get("refund"))
        wizard.form.invoice_date = event["day"]
        wizard.execute("credit")
        for note in Model.get("account.invoice").find([("id", "not in", list(known))]):
            if note.state != "draft":
                continue
            if "quantity" in event:
                for line in note.lines:
                    line.quantity = -float(event["quantity"])
            note.invoice_date = event["day"]
            note.save()
            note.click("post")

    def cancel(self, event: Event) -> None:
        """Cancel a posted invoice."""
        invoice = self._invoice(event)
        invoice.click("cancel")

    # Getting paid

    def pay(self, event: Event) -> None:
        """Pay so much of an invoice; `rest` says what becomes of a difference: partial, writeoff or overpayment."""
        invoice = self._invoice(event)
        wizard = invoice.click("pay")
        wizard.form.amount = amount_of(event["amount"])
        wizard.form.date = event.get("on", event["day"])
        wizard.form.payment_method = one("account.invoice.payment.method", name="Bank")
        wizard.execute("choice")
        if wizard.form_state == "ask":
            wizard.form.type = event.get("rest", "partial")
            if wizard.form.type == "writeoff":
                wizard.form.writeoff = one("account.move.reconcile.write_off", name="Bad debt")
            wizard.execute("pay")

    def send_back(self, event: Event) -> None:
        """Pay a credit note out: the one that corrects an invoice."""
        number = self._invoice(event).id
        notes = Model.get("account.invoice").find([("total_amount", "<", 0)])
        (note,) = [note for note in notes if number in {origin.id for origin in note.origin_invoices}]
        wizard = note.click("pay")
        wizard.form.amount = -amount_of(event["amount"])
        wizard.form.date = event["day"]
        wizard.form.payment_method = one("account.invoice.payment.method", name="Bank")
        wizard.execute("choice")

    def receive(self, event: Event) -> None:
        """Enter a receipt by hand, and set it off against all that is open on these sales' invoices."""
        invoices = [invoice for sale in event["sales"] for invoice in self._invoices(sale)]
        accounts = get_accounts()
        move = Model.get("account.move")(date=event["day"], journal=one("account.journal", code="CASH"))
        (move.period,) = Model.get("account.period").find(
            [("start_date", "<=", event["day"]), ("end_date", ">=", event["day"]), ("type", "=", "standard")]
        )
        line = move.lines.new()
        line.account, line.debit = accounts["cash"], amount_of(event["amount"])
        line = move.lines.new()
        line.account, line.party, line.credit = accounts["receivable"], invoices[0].party, amount_of(event["amount"])
        move.click("post")
        owed = [line for invoice in invoices for line in invoice.lines_to_pay if not line.reconciliation]
        received = [line for line in move.lines if line.account == accounts["receivable"]]
        Wizard("account.move.reconcile_lines", [*owed, *received])

    def reschedule(self, event: Event) -> None:
        """Let an invoice be due in another way: in this many parts, a month apart, from the day on."""
        invoice = self._invoice(event)
        wizard = Wizard(
            "account.move.line.reschedule", [line for line in invoice.lines_to_pay if not line.reconciliation]
        )
        wizard.form.start_date, wizard.form.number = event["from"], event["parts"]
        wizard.execute("preview")
        (wizard.form.journal,) = Model.get("account.journal").find([("code", "=", "MISC")])
        wizard.execute("reschedule")

    def unreconcile(self, event: Event) -> None:
        """Undo what set off an invoice."""
        invoice = self._invoice(event)
        lines = [line for line in invoice.lines_to_pay if line.reconciliation]
        Wizard("account.move.unreconcile_lines", lines)

    # Before there is a sale

    def opportunity(self, event: Event) -> None:
        """Something that may become a sale."""
        opportunity = Model.get("sale.opportunity")(party=one("party.party", name=event["party"]))
        opportunity.reference, opportunity.description = event["id"], event["id"]
        opportunity.start_date = event["day"]
        if "currency" in event:
            opportunity.currency = self._currency(event["currency"])
        opportunity.amount = amount_of(event["amount"])
        opportunity.conversion_probability = float(event["probability"])
        (opportunity.employee,) = Model.get("company.employee").find()
        opportunity.save()
        opportunity.click("opportunity")

    def lose(self, event: Event) -> None:
        """It came to nothing."""
        one("sale.opportunity", reference=event["id"]).click("lost")

    def win(self, event: Event) -> None:
        """It becomes a sale, which is confirmed."""
        opportunity = one("sale.opportunity", reference=event["id"])
        (sale,) = opportunity.click("convert")
        sale.reference = event["sale"]
        sale.sale_date = event["day"]
        sale.invoice_method = "order"
        self._lines(sale, event["lines"])
        sale.click("quote")
        sale.click("confirm")


def main() -> None:
    """Let the events happen, then print what the reports say."""
    access = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    document = tomllib.loads(Path(sys.argv[2]).read_text(encoding="utf-8"))
    with proteus_config.set_xmlrpc_session(access["url"], "admin", access["password"]):
        books = Books(Path(access["calendar"]))
        for event in document.get("events", ()):
            books.on(event["day"])
            try:
                getattr(books, event["do"])(event)
            except Exception as error:
                message = f"Tryton refuses {event}: {error!r}"
                raise SystemExit(message) from error
        if "reports" in document:
            from reports import reports

            said = reports(get_company(), document["reports"]["months"], document["reports"]["start"])
            sys.stdout.write(json.dumps(said, default=str))


if __name__ == "__main__":
    main()
