"""A page as a browser would take it apart, and the attributes by which it would fetch something."""

from html.parser import HTMLParser

__all__ = ["FETCHES", "Parsed"]

VOID = {"meta", "br", "link", "img", "input", "hr"}
FETCHES = {"src", "href", "srcset", "action", "data", "poster", "background", "formaction", "ping"}


class Parsed(HTMLParser):
    """Tags, attributes and text; raises AssertionError where a tag is not closed in turn."""

    def __init__(self, text: str):
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str | None]] = []
        self.text = ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data
