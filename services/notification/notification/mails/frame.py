"""What stands around an e-mail's words: the institution's name, its colour, and a footer. Pure."""

import re
from dataclasses import dataclass

from css_inline import CSSInliner
from jinja2 import Environment, PackageLoader

_DARK, _LIGHT = "#1a1a1a", "#ffffff"
_COLOR = re.compile("#[0-9a-fA-F]{6}")
USUAL_COLOR = "#1f4e79"

_PAGES = Environment(loader=PackageLoader("notification.mails"), autoescape=True)
#: Many mail programs read no style sheets; what depends on the reader's mode stays in one.
_INLINER = CSSInliner(keep_at_rules=True, load_remote_stylesheets=False)


def hex_color(text: str) -> str:
    """A colour as #1f4e79. Raises ValueError."""
    if not _COLOR.fullmatch(text):
        raise ValueError("expected a colour, such as #1f4e79")
    return text.lower()


@dataclass(frozen=True, slots=True)
class Frame:
    """The institution's; without a `name` an e-mail bears its sender's."""

    name: str = ""
    color: str = USUAL_COLOR
    footer: str = ""

    def page(self, html: str, title: str, language: str, sender_name: str = "") -> str:
        """The page that an e-mail's HTML part is, its styles in its elements."""
        page = _PAGES.get_template("mail.html").render(
            words=html,
            title=title,
            language=language,
            name=self.name or sender_name,
            color=self.color,
            ink=ink_on(self.color),
            footer=self.footer,
        )
        return _INLINER.inline(page)

    def text(self, text: str, sender_name: str = "") -> str:
        """The plain text part: the same below the words, behind the usual line."""
        below = "\n".join(filter(None, [self.name or sender_name, self.footer]))
        words = text.rstrip("\n")
        return f"{words}\n\n-- \n{below}\n" if below else f"{words}\n"


NO_FRAME = Frame()


def ink_on(color: str) -> str:
    """Black or white, whichever stands out more on `color` (WCAG 2.2, contrast ratio)."""
    light = _luminance(color)
    with_white, with_dark = 1.05 / (light + 0.05), (light + 0.05) / (_luminance(_DARK) + 0.05)
    return _LIGHT if with_white >= with_dark else _DARK


def _luminance(color: str) -> float:
    def linear(part: float) -> float:
        return part / 12.92 if part <= 0.04045 else float(((part + 0.055) / 1.055) ** 2.4)

    red, green, blue = (linear(int(color[at : at + 2], 16) / 255) for at in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
