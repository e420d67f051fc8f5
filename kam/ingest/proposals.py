"""What `kam check` proposes for a file that its declaration does not fit: how it is written, and what its columns are.

A proposal is made only of what the file itself decides. What can be read in two ways is said to be ambiguous and left
to the person who knows; a load never uses any of this.
"""

from __future__ import annotations

import codecs
import csv
import datetime as dt
import difflib
import glob
import json
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from kam.site import COMMON_LANGUAGES, CsvDialect, Feed, FeedSource, Kind, month_names

_SAMPLE_BYTES = 256 * 1024
_SAMPLE_ROWS = 1000
# What `text_sample` finds out about a file for itself.
_WORKED_OUT = {"delimiter", "encoding", "skip_rows"}
_LEAST_LIKENESS = 0.8
_DELIMITERS = (",", ";", "\t", "|")
_NUMBER_KINDS = (Kind.MONEY, Kind.PRICE, Kind.QUANTITY, Kind.RATE, Kind.NUMBER, Kind.INTEGER)
# (decimal, thousands), the simplest first.
_NUMBER_STYLES = ((".", ""), (",", ""), (".", ","), (",", "."), (",", " "), (".", "'"), (".", " "))
_DATE_FORMATS = (
    "", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y", "%Y%m%d",
    "%d.%m.%y", "%d/%m/%y", "%m/%d/%y", "%y-%m-%d", "excel",
)  # fmt: skip
_MONTH_FORMATS = ("%m/%Y", "%m.%Y", "%b %Y", "%Y%m")
_SHORT_MONTH = 3
_NAMED_MONTHS = (
    "%d-%b-%Y", "%d-%b-%y", "%d %b %Y", "%d. %b %Y", "%d.%b.%Y", "%d/%b/%Y", "%d%b%Y", "%b %d, %Y", "%b %d %Y", "%Y-%b-%d",
    "%d %b, %Y", "%d de %b de %Y", "%d %b %y", "%d.%b.%y", "%b %Y", "%b-%y", "%b-%Y",
)  # fmt: skip
_EXCEL_DAYS = range(32_874, 73_051)  # 1990 to 2099
_WORD_PAIRS = (("ja", "nein"), ("j", "n"), ("oui", "non"), ("o", "n"), ("sí", "no"), ("si", "no"), ("wahr", "falsch"))
_DEFAULT_WORDS = {"true", "t", "yes", "y", "1", "false", "f", "no", "n", "0"}
# How extracts call the columns of a feed, as `_plain` writes it.
_OTHER_NAMES: Mapping[str, tuple[str, ...]] = {
    "account_id": ("kunde", "kundennr", "kundennummer", "kundeid", "customer", "customerno", "customerid",
                   "customernumber", "client", "debitor", "debitorennummer", "kunnr", "accountno", "account"),
    "account_name": ("kundenname", "customername", "name", "name1"),
    "account_manager": ("keyaccountmanager", "kam", "betreuer", "kundenbetreuer", "verkaeufer", "salesrep"),
    "key_account": ("schluesselkunde", "grosskunde"),
    "region": ("gebiet", "verkaufsgebiet", "salesregion"),
    "country": ("land", "pays"),
    "currency": ("waehrung", "waers", "curr", "devise", "currencycode"),
    "order_id": ("auftrag", "auftragsnr", "auftragsnummer", "orderno", "ordernumber", "salesorder", "order",
                 "bestellung", "bestellnummer", "commande", "vbeln"),
    "line_no": ("position", "pos", "posnr", "line", "linenumber", "zeile", "lineitem"),
    "product_id": ("artikel", "artikelnr", "artikelnummer", "material", "materialnummer", "matnr", "product",
                   "productno", "part", "partno", "partnumber", "sku", "teil", "teilenummer", "item", "itemno"),
    "order_date": ("auftragsdatum", "bestelldatum", "audat", "datum", "date"),
    "requested_date": ("wunschtermin", "wunschlieferdatum", "requesteddelivery", "requesteddeliverydate"),
    "promised_date": ("zugesagt", "liefertermin", "bestaetigtertermin", "confirmeddate", "promiseddelivery"),
    "delivered_date": ("lieferdatum", "deliverydate", "geliefertam"),
    "quantity": ("menge", "qty", "quantite", "stueck", "anzahl", "orderqty", "orderquantity"),
    "unit_price": ("preis", "price", "einzelpreis", "stueckpreis", "netprice", "prix"),
    "invoice_id": ("rechnung", "rechnungsnr", "rechnungsnummer", "invoice", "invoiceno", "invoicenumber", "facture"),
    "invoice_date": ("rechnungsdatum", "billingdate", "fakturadatum", "datum", "date"),
    "due_date": ("faelligkeit", "faelligam", "faelligkeitsdatum", "echeance"),
    "net_amount": ("netto", "nettobetrag", "nettowert", "net", "netvalue", "amount", "betrag", "montant"),
    "tax_amount": ("mwst", "steuer", "ust", "umsatzsteuer", "vat", "tax", "tva"),
    "payment_id": ("zahlung", "zahlungsnr", "zahlungsnummer", "payment", "paymentno", "receipt", "belegnummer"),
    "payment_date": ("zahlungsdatum", "buchungsdatum", "postingdate", "datum", "date"),
    "amount": ("betrag", "summe", "montant", "value", "wert"),
    "visit_id": ("besuch", "besuchsnr", "besuchsnummer", "visit", "visitno"),
    "visit_date": ("besuchsdatum", "besuchstermin", "datum", "date"),
    "month": ("monat", "periode", "period", "mois"),
    "dimension": ("kategorie", "category"),
    "score": ("punkte", "bewertung", "note", "points"),
    "rate": ("kurs", "wechselkurs", "exchangerate"),
    "rate_date": ("kursdatum", "datum", "date"),
}  # fmt: skip


@dataclass(frozen=True)
class Sample:
    """The first rows of a file as text, and how the file seems to be written as far as that was needed to read it."""

    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    csv: Mapping[str, Any] = field(default_factory=dict)

    def cells(self, column: str) -> list[str]:
        """What is in a column, without blanks around it and without empty cells."""
        position = self.header.index(column)
        texts = (row[position].strip() for row in self.rows if position < len(row))
        return [text for text in texts if text]


@dataclass(frozen=True)
class Proposal:
    """A declaration for a feed, and what the file leaves open."""

    csv: Mapping[str, Any]
    columns: Mapping[str, Any]
    remarks: Sequence[str]


def text_sample(file: Path) -> Sample | None:
    """The first rows of a delimited text file: encoding, delimiter, skipped lines are worked out. None for others."""
    with file.open("rb") as stream:
        start = stream.read(_SAMPLE_BYTES)
    encoding = _encoding(start)
    try:
        text = codecs.getincrementaldecoder("utf-8-sig" if encoding == "utf-8" else encoding)().decode(start)
    except UnicodeDecodeError:
        return None
    if "\0" in text or text.lstrip().startswith(("{", "<")):
        return None
    lines = text.splitlines(keepends=True)
    if len(start) == _SAMPLE_BYTES:
        lines = lines[:-1]
    delimiter, width = _delimiter(lines)
    if width < 2:  # noqa: PLR2004 - a table has two columns
        return None
    skipped = next(
        number for number, line in enumerate(lines) if len(next(csv.reader([line], delimiter=delimiter), [])) == width
    )
    records = [record for record in csv.reader(lines[skipped : skipped + _SAMPLE_ROWS], delimiter=delimiter) if record]
    header = [name.strip() or f"column{number}" for number, name in enumerate(records[0], start=1)]
    written: dict[str, Any] = {"delimiter": delimiter, "encoding": encoding, "skip_rows": skipped}
    default = CsvDialect()
    return Sample(header, records[1:], {key: value for key, value in written.items() if value != getattr(default, key)})


def _encoding(start: bytes) -> str:
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if start[1::2].count(0) > len(start) // 4:
        return "utf-16-le"
    try:
        codecs.getincrementaldecoder("utf-8")().decode(start)
    except UnicodeDecodeError:
        return "cp1252" if re.search(rb"[\x80-\x9f]", start) else "latin-1"
    return "utf-8"


def _delimiter(lines: Sequence[str]) -> tuple[str, int]:
    """The delimiter that splits most lines into the same number of cells, and that number."""
    found = []
    for delimiter in _DELIMITERS:
        widths = Counter(len(record) for record in csv.reader(lines[:200], delimiter=delimiter) if record)
        width, count = max(widths.items(), key=lambda item: (item[0] > 1, item[1], item[0]), default=(0, 0))
        found.append((width > 1, count, width, delimiter))
    _, _, width, delimiter = max(found, key=lambda item: item[:3])
    return delimiter, width


def header_place(
    feed: Feed, source: FeedSource, sheets: Mapping[str, Sequence[Sequence[str | None]]]
) -> dict[str, Any] | None:
    """`sheet` and `header_row` of the row that names most columns of the feed; None when the declared one does."""
    names = list(sheets)
    if isinstance(source.sheet, tuple) or glob.has_magic(source.sheet or ""):
        return None
    declared = (names.index(source.sheet) if source.sheet in names else 0, source.header_row)
    places = [(sheet, row) for sheet, name in enumerate(names) for row in range(1, len(sheets[name]) + 1)]
    if not places:
        return None

    def fits(place: tuple[int, int]) -> tuple[int, int, bool]:
        header = [str(cell or "").strip() for cell in sheets[names[place[0]]][place[1] - 1]]
        sample = Sample(header, [])
        columns = _mapping(feed, source, sample)
        found = {column.name for column in feed.columns if _source_name(column.name, columns, sample) is not None}
        return len(found & set(feed.required)), len(found), place == declared

    best = max(places, key=fits)
    if best == declared or not fits(best)[1]:
        return None
    # Without a name the first sheet is read.
    sheet = {"sheet": names[best[0]]} if best[0] or source.sheet else {}
    return {**sheet, "header_row": best[1]}


def propose(feed: Feed, source: FeedSource, sample: Sample) -> Proposal | None:
    """What the file decides about the declaration of a feed; what is declared and works is kept.

    None for a file with none of the required columns: it is something else.
    """
    remarks: list[str] = []
    columns = _mapping(feed, source, sample)
    found = {column.name: _source_name(column.name, columns, sample) for column in feed.columns}
    missing = [name for name in feed.required if found[name] is None and name not in columns]
    if len(missing) == len(feed.required):
        return None
    remarks += [f"No column of the file has a name like {name}, which is required." for name in missing]

    def cells(kinds: Iterable[Kind]) -> list[str]:
        wanted = tuple(kinds)
        names = [found[column.name] for column in feed.columns if column.kind in wanted]
        texts = [cell for name in names if name is not None for cell in sample.cells(name)]
        return [text for text in texts if text not in source.csv.null_values]

    written = source.csv.model_dump(mode="json", exclude_unset=True, exclude=_WORKED_OUT) | dict(sample.csv)
    written |= _number_style(cells(_NUMBER_KINDS), source.csv, remarks)
    dates = cells([Kind.DATE, Kind.MONTH, Kind.TIMESTAMP])
    written |= _date_style(dates, source.csv, remarks, months=bool(cells([Kind.MONTH])))
    written |= _words(cells([Kind.BOOLEAN]), source.csv, remarks)
    default = CsvDialect().model_dump(mode="json")
    written = {key: value for key, value in written.items() if value != default[key]}
    if source.database is not None and written:
        remarks.append(
            f"Its texts are written with {_toml(written)}: convert them in the query, because a database takes no csv."
        )
        written = {}
    return Proposal(written, columns, remarks)


def snippet(name: str, source: FeedSource, proposal: Proposal) -> str:
    """The declaration as TOML, to replace the feed's table in `kam.toml`."""
    read = {"query"} if source.query_file else set()
    kept = source.model_dump(mode="json", exclude_unset=True, exclude={"csv", "columns"} | read, exclude_none=True)
    table = kept | {"csv": proposal.csv, "columns": proposal.columns}
    lines = [f"{key} = {_toml(value)}" for key, value in table.items() if value not in ({}, [], None)]
    return "\n".join((f"[feeds.{name}]", *lines))


def _toml(value: Any) -> str:  # noqa: ANN401 - any value of a setting
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {_toml(inner)}" for key, inner in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_toml(inner) for inner in value) + "]"
    return json.dumps(value, ensure_ascii=False)


def _plain(name: str) -> str:
    """A name without case, accents, blanks and signs: `Kunden-Nr.` and `kundennr` are the same."""
    name = name.casefold()
    for umlaut, letters in (("ä", "ae"), ("ö", "oe"), ("ü", "ue"), ("ß", "ss")):
        name = name.replace(umlaut, letters)
    return re.sub(r"[^a-z0-9]", "", unicodedata.normalize("NFKD", name))


def _mapping(feed: Feed, source: FeedSource, sample: Sample) -> dict[str, Any]:
    """The declared mapping as far as it works, and source columns for what is not mapped yet, required ones first."""
    declared = {
        name: mapped
        for name, mapped in source.model_dump(mode="json")["columns"].items()
        if not isinstance(mapped, str) or mapped in (*sample.header, "source_row")
    }
    taken = {mapped for mapped in declared.values() if isinstance(mapped, str)}
    taken |= {name for name in sample.header if name.lower() in feed.column_names}
    mapping = dict(declared)
    for column in sorted(feed.columns, key=lambda column: not column.required):
        if column.name in declared or column.name in (name.lower() for name in sample.header):
            continue
        name = _similar(column.name, [name for name in sample.header if name not in taken])
        if name is not None:
            mapping[column.name] = name
            taken.add(name)
    return mapping


def _similar(column: str, names: Sequence[str]) -> str | None:
    plain = {_plain(name): name for name in reversed(names)}
    for other in (_plain(column), *_OTHER_NAMES.get(column, ())):
        if other in plain:
            return plain[other]
    close = difflib.get_close_matches(_plain(column), list(plain), n=1, cutoff=_LEAST_LIKENESS)
    return plain[close[0]] if close else None


def _source_name(column: str, mapping: Mapping[str, Any], sample: Sample) -> str | None:
    """The source column that a feed's column reads, where it reads just one."""
    mapped = mapping.get(column)
    if isinstance(mapped, str):
        return mapped if mapped in sample.header else None
    if mapped is not None:
        return None
    return next((name for name in sample.header if name.lower() == column), None)


def _number_style(cells: Sequence[str], declared: CsvDialect, remarks: list[str]) -> dict[str, Any]:
    if {"decimal", "thousands", "currency_signs"} & declared.model_fields_set:
        bare = [_bare_number(cell, declared.currency_signs) for cell in cells]
        if _numbers(bare, (declared.decimal, declared.thousands)) is not None:
            return {}
    signs = {sign for cell in cells for sign in re.findall(r"[^\d\s.,'’()+%_-]+", cell)}
    written: dict[str, Any] = {}
    if len(signs) == 1:
        written["currency_signs"] = sorted(signs)
    elif signs:
        remarks.append(
            f"Numbers come with several texts ({', '.join(sorted(signs)[:5])}): is every value of the column an amount?"
        )
    bare = [_bare_number(cell, signs) for cell in cells]
    fitting = {style: read for style in _NUMBER_STYLES if (read := _numbers(bare, style)) is not None}
    if not fitting:
        if bare:
            remarks.append(f"No number format fits all values, such as {_example(cells)!r}.")
        return {}
    if len(set(fitting.values())) > 1:
        example = next(
            cell for number, cell in enumerate(cells) if len({numbers[number] for numbers in fitting.values()}) > 1
        )
        ways = " or ".join(f'decimal = "{decimal}", thousands = "{thousands}"' for decimal, thousands in fitting)
        remarks.append(f"Numbers are ambiguous: {example!r} can be read with {ways}. Declare the right one.")
        return written
    decimal, thousands = next(iter(fitting))
    return written | {"decimal": decimal, "thousands": thousands}


def _bare_number(cell: str, signs: Iterable[str]) -> str:
    for sign in signs:
        cell = cell.replace(sign, "")
    return cell.strip("()%+- \xa0\u202f").translate({0xA0: " ", 0x202F: " ", 0x2009: " ", 0x2019: "'"})


def _numbers(cells: Sequence[str], style: tuple[str, str]) -> tuple[Decimal, ...] | None:
    """The cells as numbers in a style; None when one does not fit it."""
    decimal, thousands = style
    grouped = rf"\d{{1,3}}({re.escape(thousands)}\d{{3}})+|" if thousands else ""
    pattern = re.compile(rf"({grouped}\d+)?({re.escape(decimal)}\d*)?")
    if not all(cell and re.search(r"\d", cell) and pattern.fullmatch(cell) for cell in cells):
        return None
    return tuple(Decimal(cell.replace(thousands, "").replace(decimal, ".")) for cell in cells)


def _date_style(cells: Sequence[str], declared: CsvDialect, remarks: list[str], *, months: bool) -> dict[str, Any]:
    if declared.date_formats and all(any(_dates([cell], name) for name in declared.date_formats) for cell in cells):
        return {}
    formats = (*_DATE_FORMATS, *_MONTH_FORMATS) if months else _DATE_FORMATS
    fitting = {name: read for name in formats if (read := _dates(cells, name)) is not None}
    if not fitting and (named := _with_month_names(cells)):
        return named
    if not fitting:
        remarks.append(f"No date format fits all values, such as {_example(cells)!r}: set csv.date_format.")
        return {}
    if len(set(fitting.values())) > 1:
        example = next(
            cell for number, cell in enumerate(cells) if len({dates[number] for dates in fitting.values()}) > 1
        )
        ways = " or ".join(json.dumps(name) for name in fitting)
        remarks.append(f"Dates are ambiguous: {example!r} can be date_format = {ways}. Declare the right one.")
        return {}
    return {"date_format": next(iter(fitting))}


def month_format(names: Sequence[str]) -> Mapping[str, Any]:
    """How these names of months are written, as `csv` says it; empty when not all are months written in one way."""
    fitting = (name for name in ("%Y-%m", *_DATE_FORMATS, *_MONTH_FORMATS) if _dates(names, name) is not None)
    found = next(fitting, None)
    return _with_month_names(names) if found is None else {"date_format": found}


def _with_month_names(cells: Sequence[str]) -> dict[str, Any]:
    """The format, and the language, in which all cells have the name of a month; the commonest language first."""
    words = {word for cell in cells for word in re.findall(r"[^\W\d_]+\.?", cell)}
    if not words:
        return {}
    for language in ("en", *COMMON_LANGUAGES, *_other_languages()):
        names = month_names(language)
        if not all(_month_of(word, names) for word in words):
            continue
        plain = [_with_month_number(cell, names) for cell in cells]
        for name in _NAMED_MONTHS:
            if _dates(plain, name.replace("%b", "%m")) is not None:
                is_plain = language == "en" and all(len(word) == _SHORT_MONTH for word in words)
                return {"date_format": name} | ({} if is_plain else {"month_names": language})
    return {}


def _other_languages() -> list[str]:
    from babel.localedata import locale_identifiers

    return [name for name in locale_identifiers() if "_" not in name]


def _month_of(word: str, names: Mapping[str, int]) -> int | None:
    return names.get(word.lower()) or names.get(word.lower().rstrip("."))


def _with_month_number(cell: str, names: Mapping[str, int]) -> str:
    """The cell with the number of a month in the place of its name; a point behind it belongs to it where the language has it so."""

    def number(found: re.Match[str]) -> str:
        word = found[0]
        if word.lower() in names:
            return f"{names[word.lower()]:02}"
        return f"{names[word.lower().rstrip('.')]:02}" + "." * word.endswith(".")

    return re.sub(r"[^\W\d_]+\.?", number, cell)


def _dates(cells: Sequence[str], name: str) -> tuple[dt.date, ...] | None:
    """The cells as dates in a format; None when one does not fit it."""
    try:
        dates = tuple(_date(cell, name) for cell in cells)
    except ValueError:
        return None
    return dates if all(dt.date(1990, 1, 1) <= date <= dt.date(2100, 1, 1) for date in dates) else None


def _date(cell: str, name: str) -> dt.date:
    if name == "excel":
        days = int(cell)
        if days not in _EXCEL_DAYS:
            raise ValueError(cell)
        return dt.date(1899, 12, 30) + dt.timedelta(days=days)
    if name:
        # Python's strptime takes fewer digits than %Y%m%d has, and reads them one way or the other.
        if not re.search(r"[^%a-zA-Z]", name) and len(cell) != sum(4 if part == "Y" else 2 for part in name[1::2]):
            raise ValueError(cell)
        return dt.datetime.strptime(cell, name).replace(tzinfo=dt.UTC).date()
    if re.fullmatch(r"\d{4}-\d{2}", cell):
        cell += "-01"
    if not re.match(r"\d{4}-\d{2}-\d{2}", cell):
        raise ValueError(cell)
    return dt.datetime.fromisoformat(cell).date()


def _words(cells: Sequence[str], declared: CsvDialect, remarks: list[str]) -> dict[str, Any]:
    words = {cell.casefold() for cell in cells}
    if (
        words <= {word.casefold() for word in (*declared.true_values, *declared.false_values)}
        or words <= _DEFAULT_WORDS
    ):
        return {}
    for true, false in _WORD_PAIRS:
        if words <= {true, false}:
            return {"true_values": [true], "false_values": [false]}
    remarks.append(
        f"Which of {', '.join(sorted(words)[:6])} mean yes, and which no? Set csv.true_values and csv.false_values."
    )
    return {}


def _example(cells: Sequence[str]) -> str:
    """A cell that shows how they are written: the one with most signs in it."""
    return max(cells, key=lambda cell: len(re.findall(r"\W", cell)), default="")
