"""JSON as text: members are cut out of an object without changing a digit of them. Pure."""

import msgspec

_decoder = msgspec.json.Decoder(dict[str, msgspec.Raw])


def member_texts(text: str) -> dict[str, str]:
    """The top-level members of a JSON object, each value as its own text; the last one counts.

    Raises ValueError for anything else (`NaN`, an escaped surrogate without its pair), whose
    message repeats nothing of the text; RecursionError for nesting beyond reason.
    """
    members = _decoder.decode(text.encode())
    return {name: bytes(value).decode() for name, value in members.items()}
