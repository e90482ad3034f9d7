"""Markdown becomes text and HTML; no value becomes a link, an image, markup or a tag."""

import random
import re
from html.parser import HTMLParser
from typing import Any

import pytest
from notification.emit.choose import Words, word
from notification.emit.preview import preview
from notification.mails.frame import Frame, hex_color, ink_on
from notification.mails.markdown import render, why_no_link
from notification.models import ChannelCode, Template

EMAIL = ChannelCode.EMAIL
LETTER = """# Habari {name}

Your licence **{number}** is [in the portal](https://hub.example/l/{number}).
Not on {{record}}? Write to <mailto:help@hub.example>.

1. first
2. second
   - inner {name}

> kept `as {number}`

| Part | Price |
|---|---|
| {number} | 1500.00 |

***

    code {name}
"""
TEXT = """Habari Asha
===========

Your licence A/1 is in the portal <https://hub.example/l/A%2F1>.
Not on {record}? Write to help@hub.example.

1. first
2. second
   - inner Asha

> kept as A/1

Part | Price
A/1 | 1500.00

----------------------------------------

    code Asha"""


class Reader(HTMLParser):
    """What a browser makes of a fragment: its elements with their attributes, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, tuple[tuple[str, str | None], ...]]] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, tuple(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def html_of(markdown: str, **context: Any) -> str:
    found = render(markdown, context)
    assert found.html is not None
    return found.html


def mail(body: str, **changes: Any) -> Template:
    given = {"event_code": "E", "language": "sw", "subject": "Leseni", "version": 1, **changes}
    return Template(channel=EMAIL, body=body, is_markdown=True, **given)


def test_the_text_reads_well_without_markup() -> None:
    assert render(LETTER, {"name": "Asha", "number": "A/1"}).text == TEXT


def test_the_html_has_the_same_words_and_links() -> None:
    found = Reader(html_of(LETTER, name="Asha", number="A/1"))
    links = [dict(attributes)["href"] for tag, attributes in found.elements if tag == "a"]
    assert links == ["https://hub.example/l/A%2F1", "mailto:help@hub.example"]
    assert {"h1", "strong", "ol", "ul", "blockquote", "table", "hr", "pre"} <= {
        tag for tag, _ in found.elements
    }
    assert "Not on {record}?" in found.text


PIECES = [
    *("[x](https://evil.example)", "![x](https://evil.example/x.png)", "<https://evil.example>"),
    *("<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "**", "__", "`", "```\n", "~~~"),
    *(
        "\n",
        "\n\n",
        "# ",
        "- ",
        "1. ",
        "> ",
        "    ",
        "***\n",
        "|",
        "\n|--|\n",
        "&lt;",
        "&#60;b&#62;",
    ),
    *("[x]: https://evil.example\n", "[x]", "](", "](javascript:alert(1))", '"', "'", "\\", "</p>"),
    *(
        "{name}",
        "{{",
        "}}",
        "{",
        "}",
        "-->",
        "<!--",
        "Asha",
        "Ñandú",
        "\u202e",
        "\u00a0",
        "a@b.example",
    ),
]


@pytest.mark.parametrize("count", [150, pytest.param(2_000, marks=pytest.mark.faults)])
def test_a_value_makes_no_element_wherever_it_stands(count: int) -> None:
    chance = random.Random(15)
    shape = Reader(html_of(LETTER, name="Asha", number="A1"))
    for _ in range(count):
        name = f"«{''.join(chance.choices(PIECES, k=chance.randint(0, 8)))}»"
        found = Reader(html_of(LETTER, name=name, number="A1"))
        elements = [one for one in found.elements if one[0] != "br"]
        assert elements == shape.elements, name
        # ... and it reads as it was written, in each of its places.
        assert found.text.count(name) == LETTER.count("{name}"), name
        lines = render(LETTER, {"name": name, "number": "A1"}).text.split("\n")
        assert lines[0] == f"Habari {name}".split("\n")[0]


def test_values_within_a_link_are_parts_of_its_address() -> None:
    found = html_of("[x](https://hub.example/{a}?q={b})", a="../x/é", b="1&c=\n2")
    assert 'href="https://hub.example/..%2Fx%2F%C3%A9?q=1%26c%3D%0A2"' in found


@pytest.mark.parametrize(
    "address",
    [
        *("javascript:alert(1)", "JAVASCRIPT:alert(1)", "data:text/html,x", "//evil.example", "/x"),
        *("", "hub.example", "https://a b", 'https://a"b', "https://a\nb", "file:///etc", "#"),
    ],
)
def test_what_is_no_address_is_not_linked_to(address: str) -> None:
    assert 'href="#"' in html_of("[x]({link})", link=address)
    assert word(mail("[x]({link})"), {"link": address}) == "No address to link to: {link}"


@pytest.mark.parametrize(
    "address", ["https://hub.example/a?b=c#d", "mailto:a@b.example", "tel:+255712"]
)
def test_a_value_may_be_the_whole_address(address: str) -> None:
    assert f'href="{address}"' in html_of("[x]({link})", link=address)


@pytest.mark.parametrize(
    ("body", "is_good"),
    [
        ("[x]({link})", True),
        ("[x](https://hub.example/{id})", True),
        ("<https://hub.example/>", True),
        ("[x](https://{host}/)", False),
        ("[x](/path)", False),
        ("[x](javascript:alert(1))", False),
        ("[x]()", False),
        ("[x][y]\n\n[y]: ftp://hub.example", False),
    ],
)
def test_links_of_a_template_need_a_whole_address(body: str, is_good: bool) -> None:
    assert (why_no_link(body) is None) == is_good
    assert (
        preview(mail(body), {"link": "https://a.example", "id": "1"}).rejection is None
    ) == is_good


def test_raw_html_and_images_of_a_template_are_text() -> None:
    found = Reader(html_of("<b>x</b>\n\n<script>y</script>\n\n![z](https://x.example/z.png)"))
    assert {tag for tag, _ in found.elements} == {"p", "a"}
    assert "<script>y</script>" in found.text


def test_what_is_missing_is_named_and_nothing_half_filled_is_sent() -> None:
    found = render("{a} `{b}` [x](https://hub.example/{c}) [y]({d})", {})
    assert found.missing == ("a", "b", "c", "d")
    assert word(mail("{a}"), {}) == "Missing placeholder: a"


def test_values_fill_no_memory() -> None:
    found = render("{a}" * 1_000, {"a": "x" * 50_000})
    assert (found.fits, len(found.text) < 200_000) == (False, True)
    assert str(word(mail("{a}" * 3), {"a": "x" * 50_000})).startswith("Longer than")


def test_words_of_an_e_mail_are_text_and_html_and_of_others_are_not() -> None:
    found = word(mail("**{name}**"), {"name": "Asha"})
    assert isinstance(found, Words)
    assert (found.body, found.html) == ("Asha", "<p><strong>Asha</strong></p>\n")
    template = mail("**{name}**")
    template.is_markdown = False
    plain = word(template, {"name": "Asha"})
    assert isinstance(plain, Words)
    assert (plain.body, plain.html) == ("**Asha**", None)


# The frame


def test_the_page_bears_the_institutions_name_colour_and_footer() -> None:
    frame = Frame("Wizara <ya> Afya", "#1f4e79", "Dodoma & Unguja\nS.L.P. 1")
    page = frame.page(html_of("# Habari\n\n[x](https://hub.example)"), "Leseni", "sw")
    found = Reader(page)
    assert "Wizara <ya> Afya" in found.text
    assert "Dodoma & Unguja\nS.L.P. 1" in found.text
    assert ("html", (("lang", "sw"),)) in found.elements
    assert re.search(r'class="head" style="[^"]*background-color: #1f4e79;color: #ffffff', page)
    assert re.search(r'<a href="https://hub.example" style="color', page)
    # What stays in the style sheet is what only a reader's mode decides.
    sheet = re.findall("<style>(.*?)</style>", page, re.DOTALL)
    assert [one.strip().startswith("@media (prefers-color-scheme: dark)") for one in sheet] == [
        True
    ]
    assert "src=" not in page
    assert frame.text("Habari") == ("Habari\n\n-- \nWizara <ya> Afya\nDodoma & Unguja\nS.L.P. 1\n")


def test_without_a_name_a_page_bears_its_senders() -> None:
    assert "Mamlaka" in Frame().page("<p>x</p>", "", "en", "Mamlaka")
    assert (Frame().text("x"), 'class="head"' in Frame().page("<p>x</p>", "", "en")) == (
        "x\n",
        False,
    )


@pytest.mark.parametrize(
    ("color", "ink"), [("#ffffff", "#1a1a1a"), ("#000000", "#ffffff"), ("#ffcc00", "#1a1a1a")]
)
def test_the_name_can_be_read_on_any_colour(color: str, ink: str) -> None:
    assert ink_on(color) == ink


@pytest.mark.parametrize("text", ["red", "#12", "#1f4e79;x:y", "1f4e79"])
def test_what_is_no_colour_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="colour"):
        hex_color(text)
