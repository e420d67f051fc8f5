"""What pages of a pack link to, and what is in them."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Page(HTMLParser):
    """The links, anchors and elements of a page."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.anchors: set[str] = set()
        self.tags: set[str] = set()
        self.feed(file.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.add(tag)
        assert not [name for name in given if name.startswith("on")], given
        if given.get("id"):
            assert given["id"] not in self.anchors, given["id"]
            self.anchors.add(str(given["id"]))
        if tag == "a":
            self.links.add(str(given["href"]))


def broken_links(folder: Path) -> list[str]:
    """Links of pages in the folder that lead to no file, or to no anchor in it; of the data quality page none are followed."""
    pages = {file.resolve(): Page(file) for file in folder.rglob("*.html")}
    broken = []
    for file, page in pages.items():
        if file.parent.name == "quality":
            continue
        for link in page.links:
            address = urlsplit(link)
            target = (file.parent / unquote(address.path)).resolve() if address.path else file
            is_found = target in pages and (not address.fragment or address.fragment in pages[target].anchors)
            if address.scheme or not is_found:
                broken.append(f"{file.name}: {link}")
    return broken
