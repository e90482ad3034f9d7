"""Markdown as people write a mail without markup: what it says, and where links lead. Pure."""

from collections.abc import Iterator, Sequence

from markdown_it.token import Token
from markdown_it.tree import SyntaxTreeNode

_RULE = "-" * 40
_LONGEST_UNDERLINE = 72


def plain_text(tokens: Sequence[Token]) -> str:
    """The text of parsed Markdown."""
    return _blocks(SyntaxTreeNode(tokens).children, "\n\n")


def _blocks(nodes: Sequence[SyntaxTreeNode], between: str) -> str:
    return between.join(_block(node) for node in nodes)


def _block(node: SyntaxTreeNode) -> str:
    match node.type:
        case "heading":
            return _heading(node)
        case "bullet_list" | "ordered_list":
            return "\n".join(_items(node))
        case "blockquote":
            return _indented(_blocks(node.children, "\n\n"), "> ", "> ")
        case "code_block" | "fence":
            return _indented(node.content.rstrip("\n"), "    ", "    ")
        case "hr":
            return _RULE
        case "tr":
            return " | ".join(_inline(cell) for cell in node.children)
        case "table" | "thead" | "tbody":
            return _blocks(node.children, "\n")
        case _:
            return _inline(node)


def _heading(node: SyntaxTreeNode) -> str:
    text = _inline(node)
    line = {"h1": "=", "h2": "-"}.get(node.tag, "")
    return f"{text}\n{line * min(len(text), _LONGEST_UNDERLINE)}".rstrip("\n")


def _items(node: SyntaxTreeNode) -> Iterator[str]:
    first = int(node.attrs.get("start", 1))
    for number, item in enumerate(node.children, first):
        mark = f"{number}. " if node.type == "ordered_list" else "- "
        yield _indented(_blocks(item.children, "\n"), mark, " " * len(mark))


def _indented(text: str, first: str, others: str) -> str:
    return first + text.replace("\n", f"\n{others}")


def _inline(node: SyntaxTreeNode) -> str:
    match node.type:
        case "text" | "code_inline":
            return str(node.content)
        case "softbreak" | "hardbreak":
            return "\n"
        case "link":
            return _link(node)
        case _:
            return "".join(map(_inline, node.children))


def _link(node: SyntaxTreeNode) -> str:
    text, address = "".join(map(_inline, node.children)), str(node.attrs["href"])
    shown = address.removeprefix("mailto:").removeprefix("tel:")
    return shown if text == shown or node.markup == "autolink" else f"{text} <{address}>"
