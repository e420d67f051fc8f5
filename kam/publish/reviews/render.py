"""How a page of the close pack is made from its template: one look, no scripts, and nothing that is loaded."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from datetime import date
from functools import cache
from pathlib import Path

from jinja2 import Environment
from markupsafe import Markup

from kam.publish.quality_page import PAGE_STYLE, page_environment
from kam.site import Site

GENERATOR = "kam-close"
"""What `<meta name="generator">` of each page says."""
_MARK = f'<meta name="generator" content="{GENERATOR}">'
_HERE = Path(__file__).resolve().parent


def is_ours(page: Path) -> bool:
    """Whether a file is a page of the close pack, and not somebody else's that only names the project."""
    return _MARK in page.read_text(encoding="utf-8", errors="replace")


def render_page(template: str, site: Site, month: date, *, style: str = "", **given: object) -> str:
    """A page as HTML. `style` is added to the look of all pages; it has to be our own, since it is not escaped."""
    styles = _style() + style
    shared: Mapping[str, object] = {
        "site": site.settings.site.name,
        "currency": site.settings.site.reporting_currency,
        "month": month,
        "generator": GENERATOR,
        "style": Markup(styles),  # noqa: S704 - our own files, and numbers
        "style_hash": base64.b64encode(hashlib.sha256(styles.encode()).digest()).decode(),
    }
    return _templates().get_template(template).render(**shared, **given)


@cache
def _style() -> str:
    return PAGE_STYLE + "".join((_HERE / name).read_text(encoding="utf-8") for name in ("reviews.css", "overview.css"))


def _sentence(text: str) -> str:
    """A text that begins with a capital and ends with a full stop."""
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith('.') else '.'}"


@cache
def _templates() -> Environment:
    environment = page_environment(_HERE)
    environment.filters |= {"money": "{:,.0f}".format, "sentence": _sentence}
    return environment
