"""Header fields read back by other readers as the text that was meant, whatever it looks like."""

import email
import email.header
import email.policy
import email.utils
import random
import re
import shutil
import subprocess
from datetime import UTC, datetime

import pytest
from notification.models import ChannelCode
from notification.transports import Message
from notification.transports.mail import (
    FIELDS,
    OPTIONAL_FIELDS,
    BadMailError,
    Sender,
    check_header,
    compose,
    mailbox,
)
from notification.transports.mail_words import MAX_WORD_CHARS, encoded_words, text_field

WORD = re.compile(r"=\?utf-8\?([qb])\?([^?]*)\?=")
NOW = datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC)
#: A header in an encoded word, a body, an address in brackets: what callers' text may hold.
PIECES = [
    *(
        "Asha",
        "Ñandú",
        "ለጤና",
        "«",
        "»",
        "🙂",
        "e\u0301",
        "=?utf-8?q?Asha=0D=0ABcc:_x@example.org?=",
    ),
    *("=?utf-8?b?QQ0KQmNjOiB4QGV4YW1wbGUub3Jn?=", "=?", "?=", "=", "_", '"', "\\", "<a@b.example>"),
    *(
        " ",
        "  ",
        ",",
        ";",
        ":",
        "(",
        ")",
        "@",
        ".",
        "Bcc: x@example.org",
        "x" * 90,
        "\u00a0",
        "é" * 40,
    ),
]


def generated(count: int) -> list[str]:
    """The same texts in every run; without controls, which are refused before."""
    chance = random.Random(15)
    return ["".join(chance.choices(PIECES, k=chance.randint(0, 9))) for _ in range(count)]


#: Local parts as RFC 5321 has them, and domains with what each is called on the wire.
LOCALS = ["asha", "a.b+c", "o'hara", "x_y-z", "#!$%&*/?^`{|}~", "A" * 60, "q=41", "1", "utf-8"]
DOMAINS = {
    "example.com": "example.com",
    "faß.example": "xn--fa-hia.example",
    "münchen.example": "xn--mnchen-3ya.example",
    "ΜΈΛΙ.example": "xn--ixayfc.example",
    "例え.テスト": "xn--r8jz45g.xn--zckzah",
    "EXAMPLE.org": "EXAMPLE.org",
    "a-b.c--d.example": "a-b.c--d.example",
}
BLANKS = ["", " ", "\u00a0", "\ufeff", "\u200b", "\t"]


def addresses(count: int) -> list[tuple[str, str]]:
    """Addresses as people write them, and as they go on the wire."""
    chance = random.Random(16)

    def one() -> tuple[str, str]:
        local, domain = chance.choice(LOCALS), chance.choice(list(DOMAINS))
        before, after = chance.choice(BLANKS), chance.choice(BLANKS)
        return f"{before}{local}@{domain}{after}", f"{local}@{DOMAINS[domain]}"

    return [one() for _ in range(count)]


def header_of(subject: str, name: str = "", to: str = "asha@example.com") -> bytes:
    message = Message("key-1", ChannelCode.EMAIL, (to,), subject, "Habari")
    content = compose(message, Sender("taarifa@example.org", name), to, NOW)
    return content.partition(b"\r\n\r\n")[0] + b"\r\n"


def decoded(field: str) -> str:
    """As the standard library's older reader has it, which decodes encoded words and no more."""
    return str(email.header.make_header(email.header.decode_header(field)))


def unfolded(header: bytes) -> dict[str, str]:
    """The fields as they stand on the wire, their lines joined."""
    lines = re.sub(rb"\r\n(?=[ \t])", b"", header).decode("ascii").split("\r\n")
    return dict(line.split(": ", 1) for line in lines if line)


@pytest.mark.parametrize("count", [2_000, pytest.param(20_000, marks=pytest.mark.faults)])
def test_subjects_names_and_addresses_read_back_and_add_no_field(count: int) -> None:
    texts = generated(count)
    names = [text.strip()[:100] for text in reversed(texts)]
    ours = tuple(name.encode() for name in FIELDS if name not in OPTIONAL_FIELDS)
    meant = zip(texts, names, addresses(count), strict=True)
    for number, (text, name, (written, on_wire)) in enumerate(meant):
        header = header_of(text, name, mailbox(written))
        assert tuple(re.findall(rb"(?m)^([A-Za-z-]+):", header)) == ours
        lines = [line for line in header.split(b"\r\n") if not line.startswith(b"To: ")]
        assert max(map(len, lines)) <= 76
        fields = unfolded(header)
        assert decoded(fields["Subject"]) == text
        phrase, address = email.utils.parseaddr(fields["From"])
        assert (decoded(phrase), address) == (name, "taarifa@example.org")
        assert email.utils.parseaddr(fields["To"]) == ("", on_wire)
        if number % 20 == 0:  # the newer reader is slow
            found = email.message_from_bytes(header, policy=email.policy.default)
            assert found["Subject"] == text
            assert found["From"].addresses[0].addr_spec == "taarifa@example.org"
            assert [one.addr_spec for one in found["To"].addresses] == [on_wire]


@pytest.mark.skipif(shutil.which("perl") is None, reason="no perl")
@pytest.mark.parametrize("count", [2_000, pytest.param(20_000, marks=pytest.mark.faults)])
def test_a_reader_in_another_language_reads_the_same(count: int) -> None:
    texts = [text for text in generated(count) if text == text.strip()]
    lines = "\n".join(unfolded(text_field("Subject", text).encode())["Subject"] for text in texts)
    script = (
        'use Encode; binmode STDOUT, ":utf8"; while (<STDIN>) { chomp; '
        'print decode("MIME-Header", $_), "\\n" }'
    )
    done = subprocess.run(
        ["perl", "-e", script], input=lines.encode(), capture_output=True, check=True
    )
    assert done.stdout.decode().split("\n")[: len(texts)] == texts


@pytest.mark.parametrize(
    "text",
    [
        "Ñandú é",
        "Ombi lako la « leseni »",
        "ለጤና " * 60,
        "é" * 300,
        " ",
        "a  b",
        "x" * 998,
        "🙂" * 99,
    ],
)
def test_encoded_words_are_short_whole_and_never_empty(text: str) -> None:
    words = WORD.findall(text_field("Subject", text))
    lines = [line.strip() for line in text_field("Subject", text).split("\r\n") if line.strip()]
    assert all(content for _kind, content in words)
    assert max(len(word) for word in encoded_words(text, 60)) <= MAX_WORD_CHARS
    assert max(map(len, lines)) <= 76
    assert decoded(" ".join(lines)[9:]) == text


def test_plain_words_stay_readable_on_the_wire() -> None:
    assert text_field("Subject", "Leseni yako") == "Subject: Leseni yako\r\n"


@pytest.mark.parametrize(
    "header",
    [
        "Subject: a\r\nBcc: x@example.org\r\n",
        "Subject: a\r\n\r\n<html>\r\n",
        " begins with a continuation\r\n",
        "Subject: a\rBcc: b\r\n",
        "Subject: é\r\n",
    ],
)
def test_a_header_that_is_not_ours_does_not_leave(header: str) -> None:
    with pytest.raises(BadMailError):
        check_header(header)
