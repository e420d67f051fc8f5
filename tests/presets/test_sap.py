"""The preset of SAP, with files in the layout of its tables: German numbers and dates, leading zeros, a sign behind the number."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

import pytest

from tests.presets.books import Books, day
from tests.presets.changes import require_nothing_lost_or_doubled, require_question
from tests.support import long

BSID = "BUKRS;KUNNR;BELNR;GJAHR;BUZEI;BLART;BUDAT;ZFBDT;ZBD1T;ZBD2T;ZBD3T;SHKZG;WRBTR;WAERS;AUGBL;VBELN;UMSKZ"
# One customer with leading zeros, one without. Billing document 90001 of 357.00 is due 30 days after 21 January, 90002 credits 28.56; 100.00 were
# received on 10 February. An invoice of accounting, an item of a down payment request, and a direct debit that came back.
INVOICE = "1000;0000100023;1800001;2026;001;RV;21.01.2026;21.01.2026;14;30;0;S;357,00;EUR;{cleared};0000090001;"
CREDIT = "1000;0000100023;1800002;2026;001;RV;25.02.2026;25.02.2026;0;0;0;H;28,56;EUR;{cleared};0000090002;"
RECEIPT = "1000;0000100023;1400001;2026;002;DZ;10.02.2026;10.02.2026;;;;H;100,00;EUR;{cleared};;"
REST = "1000;0000100023;1400009;2026;002;DZ;05.03.2026;05.03.2026;;;;H;228,44;EUR;1400009;;"
OTHERS = (
    "1000;100024;1800003;2026;001;DR;03.02.2026;03.02.2026;30;0;0;S;1.234,56;EUR;;;",
    "1000;100024;1800004;2026;001;DR;03.02.2026;03.02.2026;30;0;0;S;999,00;EUR;;;F",
    "1000;100024;1400002;2026;001;DZ;20.02.2026;00.00.0000;;;;S;50,00;EUR;;;",
)
FILES = {
    "kna1.csv": (
        "KUNNR;NAME1;LAND1;REGIO;BRSCH;KUKLA;KONZS",
        "0000100023;Nordrad AG;DE;09;AUTO;A;0000100024",
        "100024;Reifen Süd;DE;08;;;",
    ),
    "ukmbp_cms_sgm.csv": (
        "PARTNER;CREDIT_SGMNT;CREDIT_LIMIT",
        "0000100023;1000;5.000,00",
        "0000100023;2000;9,00",
        "0000100024;1000;0,00",
    ),
    "makt.csv": ("MATNR;SPRAS;MAKTX", "000000000000000017;D;Dichtung", "000000000000000017;E;Seal", "SEAL-2;D;Ring"),
    "vbak.csv": (
        "VBELN;AUDAT;KUNNR;WAERK;VBTYP;VDATU",
        "0000004711;05.01.2026;0000100023;EUR;C;18.01.2026",
        "0000004712;05.01.2026;0000100023;EUR;B;18.01.2026",
    ),
    "vbap.csv": (
        "VBELN;POSNR;MATNR;KWMENG;NETWR;ABGRU",
        "0000004711;000010;000000000000000017;24,000;1.240,50;",
        "0000004711;000020;SEAL-2;1,000;60,00;Z1",
        "0000004712;000010;SEAL-2;1,000;60,00;",
    ),
    "vbep.csv": (
        "VBELN;POSNR;EDATU;BMENG",
        "0000004711;000010;15.01.2026;14,000",
        "0000004711;000010;20.01.2026;10,000",
        "0000004711;000010;31.01.2026;0,000",
    ),
    "likp.csv": (
        "VBELN;WADAT_IST;VBTYP",
        "0080000001;19.01.2026;J",
        "0080000002;02.02.2026;J",
        "0080000003;00.00.0000;J",
    ),
    "lips.csv": (
        "VBELN;POSNR;LFIMG;VGBEL;VGPOS",
        "0080000001;000010;14,000;0000004711;000010",
        "0080000002;000010;10,000;0000004711;000010",
        "0080000003;000010;1,000;0000004711;000020",
    ),
    "vbrp_2026-02.csv": (
        "VBELN;POSNR;MATNR;FKIMG;NETWR;MWSBP;AUBEL;AUPOS",
        "0000090001;000010;000000000000000017;24,000;240,00;45,60;0000004711;000010",
        "0000090001;000020;SEAL-2;1,000;60,00;11,40;;000000",
        "0000090002;000010;SEAL-2;1,000;24,00;4,56;;000000",
    ),
    "bsid_2026-02.csv": (BSID, INVOICE.format(cleared=""), CREDIT.format(cleared=""), RECEIPT.format(cleared=""), *OTHERS),
    "bsad_2026-02.csv": (BSID,),
}  # fmt: skip
# In March all of the first customer is cleared by the rest of the money.
MARCH = (BSID, *(item.format(cleared="1400009") for item in (INVOICE, CREDIT, RECEIPT, REST)))
FBL5N = (
    "Konto;Belegnummer;Buchungszeile;Belegart;Buchungsdatum;Nettofälligkeit;Betrag in Belegwährung;Belegwährung;Ausgleichsbeleg;Faktura;Sonderhauptbuchkennzeichen",
    "100023;1800001;1;RV;21.01.2026;20.02.2026;357,00;EUR;{cleared};90001;",
    "100023;1800002;1;RV;25.02.2026;25.02.2026;28,56-;EUR;{cleared};90002;",
    "100023;1400001;2;DZ;10.02.2026;10.02.2026;100,00-;EUR;{cleared};;",
    "100023;;;;;;228,44;EUR;;;",
    "100024;1800003;1;DR;03.02.2026;05.03.2026;1.234,56;EUR;;;",
    "100024;1800004;1;DR;03.02.2026;05.03.2026;999,00;EUR;;;F",
    "100024;1400002;1;DZ;20.02.2026;20.02.2026;50,00;EUR;;;",
)
REST_IN_LIST = "100023;1400009;2;DZ;05.03.2026;05.03.2026;228,44-;EUR;1400009;;"


class Sap(Books):
    """A site of the preset with its files."""

    def put(self, name: str, lines: tuple[str, ...]) -> None:
        (self.folder / "landing" / name).write_text("\n".join(lines) + "\n", encoding="utf-8")


@pytest.fixture
def sap(tmp_path: Path) -> Sap:
    made = Sap(tmp_path / "sap", "sap-s4-csv")
    for name, lines in FILES.items():
        made.put(name, lines)
    return made


@long
def test_figures_are_those_worked_by_hand_also_after_the_clearing(sap: Sap) -> None:
    report = sap.check()
    assert (report.refused, report.in_need) == ([], [])
    assert {feed: counts[0] for feed, counts in sap.load().items()} == {
        "accounts": 2, "products": 2, "orders": 2, "deliveries": 2, "invoices": 4, "payments": 2,
    }  # fmt: skip
    figures = sap.figures("2026-01", "2026-02")
    # February: 357.00 - 28.56 - 100.00, and 1,234.56 with the direct debit of 50.00 that came back.
    expected = {
        ("2026-01", "100023"): Decimal("357.00"),
        ("2026-02", "100023"): Decimal("228.44"),
        ("2026-02", "100024"): Decimal("1284.56"),
    }
    assert figures.receivables == expected
    # The invoice of accounting has no lines: its amount includes tax.
    assert figures.sales == {
        ("2026-01", "100023"): Decimal("300.00"),
        ("2026-02", "100023"): Decimal("-24.00"),
        ("2026-02", "100024"): Decimal("1234.56"),
    }
    # Line 10 was confirmed for 20 January, and complete on 2 February.
    assert figures.lines == {("2026-01", "100023"): (1, 1)}
    sap.put("bsad_2026-03.csv", MARCH)
    sap.load()
    later = sap.figures("2026-01", "2026-02", "2026-03")
    assert later.receivables == expected | {("2026-03", "100024"): Decimal("1284.56")}
    assert later.items["2026-02", "90001", 1] == Decimal("228.44")
    assert sap.query("SELECT payment_id, invoice_id, amount FROM core.payments WHERE account_id = '100023' ORDER BY 1") == [
        {"payment_id": "1400001/2026", "invoice_id": "90001", "amount": 100},
        {"payment_id": "1400009/2026", "invoice_id": "90001", "amount": Decimal("228.44")},
    ]  # fmt: skip


def test_documents_have_what_the_tables_say_of_them(sap: Sap) -> None:
    sap.load()
    (first, second) = sap.query("FROM core.accounts ORDER BY account_id")
    assert (first["account_id"], first["parent_account_id"], first["credit_limit"]) == ("100023", "100024", 5000)
    assert (second["account_name"], second["credit_limit"]) == ("Reifen Süd", None)
    assert sap.query("SELECT product_id, product_name FROM core.products ORDER BY 1") == [
        {"product_id": "17", "product_name": "Dichtung"},
        {"product_id": "SEAL-2", "product_name": "Ring"},
    ]
    (line, rejected) = sap.query("FROM core.orders ORDER BY line_no")
    assert (line["order_id"], line["line_no"], line["promised_date"]) == ("4711", 10, day("2026-01-20"))
    assert (line["unit_price"], line["status"], rejected["status"]) == (Decimal("51.6875"), "open", "cancelled")
    (credit,) = sap.query("FROM core.invoices WHERE invoice_id = '90002'")
    assert (credit["document_type"], credit["net_amount"], credit["reference_invoice_id"]) == ("credit_note", 24, None)
    (due,) = sap.query("SELECT DISTINCT due_date FROM core.invoices WHERE invoice_id = '90001'")
    assert due == {"due_date": day("2026-02-20")}


@long
def test_the_list_of_items_gives_the_same_receivables(sap: Sap) -> None:
    settings = sap.folder / "kam.toml"
    text = settings.read_text().replace(
        'inputs = ["landing/bsid*.csv", "landing/bsad*.csv"', 'inputs = ["landing/fbl5n*.csv"'
    )
    settings.write_text(
        text.replace("/invoices.sql", "/invoices_fbl5n.sql").replace("/payments.sql", "/payments_fbl5n.sql")
    )
    sap.put("fbl5n_1.csv", tuple(line.format(cleared="") for line in FBL5N))
    assert sap.check().refused == []
    sap.load()
    expected = {("2026-02", "100023"): Decimal("228.44"), ("2026-02", "100024"): Decimal("1284.56")}
    assert sap.figures("2026-02").receivables == expected
    sap.put("fbl5n_2.csv", (*(line.format(cleared="1400009") for line in FBL5N), REST_IN_LIST))
    sap.load()
    assert sap.figures("2026-02").receivables == expected
    assert sap.figures("2026-03").receivables == {("2026-03", "100024"): Decimal("1284.56")}


@long
def test_a_number_that_is_none_is_refused_with_its_text(sap: Sap) -> None:
    sap.put("bsid_2026-02.csv", (BSID, INVOICE.format(cleared="").replace("357,00", "much")))
    assert [text.partition(": Conversion Error: ")[2] for text in sap.check().refused] == [
        'Could not convert string "much" to DECIMAL(18,4)'
    ] * 2


def test_all_columns_and_files_that_are_missing_are_in_the_lists(sap: Sap) -> None:
    sap.put("bsad_2026-02.csv", (BSID.replace("WRBTR", "DMBTR").replace(";UMSKZ", ""),))
    sap.put("lips.csv", ("VBELN;POSNR",))
    for name in ("vbap.csv", "vbep.csv"):
        (sap.folder / "landing" / name).unlink()
    columns, files = sap.check().refused
    assert columns.splitlines() == [
        "The queries need what is not in the files:",
        "  landing/lips.csv: no columns LFIMG, VGBEL, VGPOS (deliveries)",
        "  landing/bsad_2026-02.csv: no columns WRBTR, UMSKZ (invoices)",
        "  landing/bsad_2026-02.csv: no columns WRBTR, UMSKZ (payments)",
    ]
    assert all(name in files for name in ("landing/vbap*.csv", "landing/vbep*.csv"))


# The export of March: 90001 got 60 days, 1800003 was reversed on 28 February, and an invoice of 27 February was posted late.
LATER = {
    "bsid_2026-03.csv": (
        BSID,
        INVOICE.format(cleared="").replace(";14;30;0;", ";14;60;0;"),
        "1000;100024;1800007;2026;001;DR;27.02.2026;27.02.2026;30;0;0;S;11,90;EUR;;;",
    ),
    "bsad_2026-03.csv": (
        BSID,
        OTHERS[0].replace(";EUR;;;", ";EUR;1800006;;"),
        "1000;100024;1800006;2026;001;DR;28.02.2026;28.02.2026;0;0;0;H;1.234,56;EUR;1800006;;",
    ),
}  # fmt: skip


# An order of February, which the close of that month expects.
ORDER = {
    "vbak_2.csv": (FILES["vbak.csv"][0], "0000004713;05.02.2026;100024;EUR;C;"),
    "vbap_2.csv": (FILES["vbap.csv"][0], "0000004713;000010;SEAL-2;1,000;60,00;"),
}


def put_all(sap: Sap, files: Mapping[str, tuple[str, ...]]) -> None:
    for name, lines in files.items():
        sap.put(name, lines)


@long
def test_a_closed_month_asks_before_a_second_export_changes_it(sap: Sap) -> None:
    put_all(sap, ORDER)
    sap.close("2026-02")
    assert sap.published_receivables("2026-02") == {"100023": Decimal("228.44"), "100024": Decimal("1284.56")}
    assert sap.published_overdue("2026-02") == {"100023": Decimal("228.44"), "100024": Decimal("50.00")}
    put_all(sap, LATER)
    require_question(sap, "2026-02", "invoices", {"100023": Decimal("228.44"), "100024": Decimal("61.90")})
    # 90001 is not due any more; what lessens it is not cleared with it, and ages from its own day.
    assert sap.published_overdue("2026-02") == {"100023": Decimal("-128.56"), "100024": Decimal("50.00")}


@long
def test_a_load_that_is_killed_neither_loses_nor_doubles_a_document(sap: Sap) -> None:
    require_nothing_lost_or_doubled(sap, lambda: put_all(sap, ORDER | LATER))
