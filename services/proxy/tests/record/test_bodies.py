"""The stored copy of a body: decoded, described, shortened, and always fit to be stored."""

import gzip
import subprocess
import sys
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import brotli
import pytest
import zstandard
from proxy.record.bodies import (
    SHORTENED_MARK,
    DecodedTooLarge,
    NotDecoded,
    UnknownCoding,
    charset_of,
    decoded_body,
    is_exact_copy,
    is_text,
    stored_copy,
)


def zipped(data: bytes) -> bytes:
    """The same bytes at any time: they are part of the tests' names."""
    return gzip.compress(data, mtime=0)


MAX_CHARS = 100
NAOMI = '{"name": "Náomi 🩺"}'
REPLACED = "\N{REPLACEMENT CHARACTER}"


PACK: dict[str, Callable[[bytes], bytes]] = {
    "gzip": zipped,
    "x-gzip": zipped,
    "deflate": zlib.compress,
    "br": lambda data: brotli.compress(data, quality=1),
    "zstd": zstandard.ZstdCompressor().compress,
}


def copy(body: bytes, content_type: str = "", encoding: str = "", total: int | None = -1) -> str:
    return stored_copy(body, len(body) if total == -1 else total, content_type, encoding, MAX_CHARS)


# --- text

TEXT_SUBTYPES = [
    *("hl7-v2+er7", "edi-hl7v2", "hl7-sda+er7", "edifact", "EDI-X12", "edi-consent", "cda+xml"),
    *("jose", "jose+json", "jwt", "secevent+jwt", "graphql", "x-pem-file", "pem-certificate-chain"),
    *("sql", "x-ndjson", "fhir+ndjson", "jsonl", "json-seq", "fhir+turtle", "n-quads", "trig"),
    *("n-triples", "sparql-query", "toml", "x-yaml", "yaml"),
]


@pytest.mark.parametrize(
    ("content_type", "body", "text"),
    [
        ("", b"", ""),
        ("application/json", NAOMI.encode(), NAOMI),
        ("", NAOMI.encode(), NAOMI),
        ("text/plain; charset=utf-8", NAOMI.encode(), NAOMI),
        ('text/plain; x=1; CharSet="UTF-16"', NAOMI.encode("utf-16"), NAOMI),
        ("text/html;charset=iso-8859-1", "Zoë".encode("latin-1"), "Zoë"),
        ("text/plain;charset=windows-1252", b"\x80", "€"),
        ("text/plain;charset=shift_jis", "医".encode("shift_jis"), "医"),
        ("text/plain;charset=klingon", NAOMI.encode(), NAOMI),
        ("text/plain;charset=", NAOMI.encode(), NAOMI),
        ("application/json", b"a\xffb", f"a{REPLACED}b"),
        ("application/json", b"a\x00b", f"a{REPLACED}b"),
        ("text/plain;charset=utf-16", b"\x00", REPLACED),
        ("application/json", b"\xed\xa0\x80", REPLACED * 3),
    ],
)
def test_text_is_decoded(content_type: str, body: bytes, text: str) -> None:
    assert copy(body, content_type) == text


@pytest.mark.parametrize(
    ("body", "content_type", "description"),
    [
        (b"\x89PNG", "image/png", "<binary 4 bytes image/png>"),
        (b"%PDF", "Application/PDF; x=1", "<binary 4 bytes Application/PDF>"),
        (b"\x00\x01", "", "<binary 2 bytes of unknown type>"),
        (b"abc", "application/octet-stream", "<binary 3 bytes application/octet-stream>"),
    ],
)
def test_what_is_no_text_is_described(body: bytes, content_type: str, description: str) -> None:
    assert copy(body, content_type) == description


def test_described_body_whose_length_is_not_known_says_so() -> None:
    assert copy(b"\x89PNG", "image/png", total=None) == "<binary bytes image/png>"


@pytest.mark.parametrize(
    ("content_type", "text"),
    [
        ("", True),
        ("text/csv", True),
        ("application/json", True),
        ("application/fhir+json; charset=utf-8", True),
        ("application/problem+json", True),
        ("application/soap+xml", True),
        ("application/x-www-form-urlencoded", True),
        ("application/hl7-v2", True),
        ("image/svg+xml", True),
        *((f"application/{subtype}", True) for subtype in TEXT_SUBTYPES),
        ("multipart/form-data; boundary=x", False),
        ("application/x-sqlite3", False),
        ("application/pkcs8", False),
        ("application/zip", False),
        ("application/jsonp-but-not", False),
    ],
)
def test_type_tells_whether_a_body_is_for_reading(content_type: str, text: bool) -> None:
    assert is_text(content_type) is text


@pytest.mark.parametrize(
    ("content_type", "charset"),
    [
        ("text/plain", "utf-8"),
        ("text/plain; charset=Latin-1", "latin-1"),
        ('text/plain; a="b"; CHARSET = "koi8-r"', "koi8-r"),
        ("text/plain; charset=klingon", "utf-8"),
        ("text/plain; charset", "utf-8"),
        ("text/plain; charset=;", "utf-8"),
    ],
)
def test_charset_is_a_parameter(content_type: str, charset: str) -> None:
    assert charset_of(content_type) == charset


NO_CHARSETS = [
    "utf-7",
    "idna",
    "punycode",
    "undefined",
    "unicode_escape",
    "raw-unicode-escape",
    "hex",
    "rot13",
    "base64",
    "zlib",
    "é",
    "x" * 5_000,
    "../../etc/passwd",
    "os.path",
]


@pytest.mark.parametrize("charset", NO_CHARSETS)
@pytest.mark.parametrize("body", [b"+2AA-", b"\\ud800", b"a\\", b"xn--\xff", b"plain"])
def test_copy_can_be_stored_whatever_charset_is_claimed(charset: str, body: bytes) -> None:
    text = copy(body, f"text/plain;charset={charset}")
    assert text == body.decode("utf-8", "replace")


@pytest.mark.parametrize("charset", [*NO_CHARSETS, "utf-16", "utf-32", "gb18030", "big5", "cp037"])
def test_large_text_is_decoded_in_time_whatever_charset_is_claimed(charset: str) -> None:
    body = b"a-b\xff" * 65_536
    started = time.process_time()
    copy(body, f"text/plain;charset={charset}").encode()
    assert time.process_time() - started < 1


# --- packed


@pytest.mark.parametrize("encoding", PACK)
def test_packed_text_is_unpacked(encoding: str) -> None:
    assert copy(PACK[encoding](NAOMI.encode()), "application/json", encoding) == NAOMI


@pytest.mark.parametrize("encoding", ["GZIP", " gzip ", "Gzip"])
def test_encoding_is_read_without_regard_to_case(encoding: str) -> None:
    assert copy(zipped(b"x"), "", encoding) == "x"


@pytest.mark.parametrize("encoding", ["", "identity", "Identity", "8bit", "none", "identity, 7bit"])
def test_body_may_come_as_it_is(encoding: str) -> None:
    assert copy(b"x", "", encoding) == "x"


@pytest.mark.parametrize("encoding", PACK)
def test_packed_text_that_was_cut_off_is_read_as_far_as_it_goes(encoding: str) -> None:
    packed = PACK[encoding](bytes(range(32, 127)) * 20)
    text = copy(packed[: len(packed) - 4], "text/plain", encoding)
    assert text == "" or text.startswith(bytes(range(32, 90)).decode())


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


MEMBERS = zipped(b"first, ") + zipped(b"second, ") + zipped(b"third")


@pytest.mark.parametrize(
    ("body", "encoding", "text"),
    [
        (MEMBERS, "gzip", "first, second, third"),
        (MEMBERS + b"\x00" * 512, "gzip", "first, second, third"),
        (zipped(b"") * 900 + zipped(b"end"), "gzip", "end"),
        (zstandard.compress(b"first, ") + zstandard.compress(b"second"), "zstd", "first, second"),
        (raw_deflate(NAOMI.encode()), "deflate", NAOMI),
        (zipped(zipped(NAOMI.encode())), "gzip, gzip", NAOMI),
        (zipped(brotli.compress(NAOMI.encode())), "br,gzip", NAOMI),
        (zipped(NAOMI.encode()), "identity, gzip", NAOMI),
        (zipped(NAOMI.encode()), "utf-8, gzip", NAOMI),
        (NAOMI.encode(), "UTF-8", NAOMI),
        (NAOMI.encode(), " utf8 ", NAOMI),
        ("Zoë".encode("latin-1"), "ISO-8859-1", "Zoë"),
        # What is not whole says so.
        (MEMBERS + b"strange", "gzip", "first, second, third" + SHORTENED_MARK),
        (MEMBERS[:-9], "gzip", "first, second, third" + SHORTENED_MARK),
        (zipped(b"") * 1_001 + zipped(b"end"), "gzip", SHORTENED_MARK),
    ],
)
def test_all_that_was_packed_is_read(body: bytes, encoding: str, text: str) -> None:
    assert copy(body, "text/plain", encoding) == text


def test_charset_of_the_type_counts_before_one_among_the_codings() -> None:
    assert copy("é".encode("utf-16"), "text/plain;charset=utf-16", "utf-8") == "é"


def test_packed_four_times_is_described() -> None:
    body = b"x"
    for _ in range(4):
        body = zipped(body)
    assert copy(body, "text/plain", "gzip,gzip,gzip,gzip").startswith("<binary")


# --- for rules that look into a body


@pytest.mark.parametrize("encoding", ["", "identity", "utf-8", *PACK, "gzip, gzip"])
def test_body_is_decoded_for_its_rules(encoding: str) -> None:
    packed = NAOMI.encode()
    for coding in encoding.split(", "):
        packed = PACK.get(coding, bytes)(packed)
    assert decoded_body(packed, encoding, len(NAOMI.encode())) == NAOMI.encode()
    with pytest.raises(DecodedTooLarge):
        decoded_body(packed, encoding, len(NAOMI.encode()) - 1)


@pytest.mark.parametrize("encoding", PACK)
def test_bomb_is_too_large_for_its_rules(encoding: str) -> None:
    with pytest.raises(DecodedTooLarge):
        decoded_body(PACK[encoding](b" " * 8 * 1024 * 1024), encoding, 1024)


@pytest.mark.parametrize("encoding", ["compress", "aes128gcm", "gzip, compress"])
def test_coding_that_is_not_known_is_told(encoding: str) -> None:
    with pytest.raises(UnknownCoding):
        decoded_body(zipped(b"{}"), encoding, 1024)


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (b"{}", "gzip"),
        (b"{}", "br"),
        (b"{}", "zstd"),
        (b"{}", "deflate"),
        (zipped(b"{}")[:-1], "gzip"),
        (zipped(b"{}") + b"{}", "gzip"),
        (zlib.compress(b"{}") + b"{}", "deflate"),
        (zipped(b"{}"), "gzip, gzip"),
        (b"", "gzip, gzip, gzip, gzip"),
    ],
)
def test_body_that_is_not_packed_as_it_says_is_not_decoded(body: bytes, encoding: str) -> None:
    with pytest.raises(NotDecoded):
        decoded_body(body, encoding, 1024)


@pytest.mark.parametrize("encoding", [*PACK, "compress", "gzip, br", "nonsense"])
def test_what_cannot_be_unpacked_is_described(encoding: str) -> None:
    body = b"\x01this is not packed at all"
    assert copy(body, "text/plain", encoding) == f"<binary {len(body)} bytes text/plain>"


@pytest.mark.parametrize("encoding", PACK)
def test_packed_binary_is_described_by_its_size_on_the_wire(encoding: str) -> None:
    packed = PACK[encoding](b"\x89PNG" * 100)
    assert copy(packed, "image/png", encoding) == f"<binary {len(packed)} bytes image/png>"


BOMBS = """
import pathlib, resource, sys, time
sys.path[:0] = {path!r}
from proxy.record.bodies import stored_copy
for bomb in sorted(pathlib.Path({folder!r}).iterdir()):
    body = bomb.read_bytes()
    before, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    text = stored_copy(body, len(body), "text/plain", bomb.name, 20_000)
    took = time.process_time() - started
    more = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert text.endswith("[shortened]"), (bomb.name, text[:80])
    assert took < 1, (bomb.name, took)
    assert more < 12 * 1024, (bomb.name, more)  # KiB
"""


def test_bomb_does_not_go_off(tmp_path: Path) -> None:
    for encoding, pack in PACK.items():
        (tmp_path / encoding).write_bytes(pack(b" " * 32 * 1024 * 1024))
    code = BOMBS.format(path=sys.path, folder=str(tmp_path))
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr


def test_window_beyond_what_http_allows_is_described() -> None:
    how = zstandard.ZstdCompressionParameters(window_log=27)
    packer = zstandard.ZstdCompressor(compression_params=how).compressobj()
    packed = packer.compress(b"small") + packer.flush()
    assert copy(packed, "text/plain", "zstd") == f"<binary {len(packed)} bytes text/plain>"


# --- shortened


@pytest.mark.parametrize("encoding", ["", *PACK])
@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("x" * MAX_CHARS, "x" * MAX_CHARS),
        ("x" * (MAX_CHARS + 1), "x" * MAX_CHARS + SHORTENED_MARK),
        ("🩺" * MAX_CHARS, "🩺" * MAX_CHARS),
        ("🩺" * (MAX_CHARS + 1), "🩺" * MAX_CHARS + SHORTENED_MARK),
        ("x" * 1_000_000, "x" * MAX_CHARS + SHORTENED_MARK),
    ],
)
def test_long_text_is_shortened_and_says_so(encoding: str, text: str, kept: str) -> None:
    body = PACK[encoding](text.encode()) if encoding else text.encode()
    assert copy(body, "text/plain", encoding) == kept


@pytest.mark.parametrize("total", [6, None])
def test_beginning_of_a_body_says_that_it_is_one(total: int | None) -> None:
    assert copy(b"hello", "text/plain", total=total) == "hello" + SHORTENED_MARK


@pytest.mark.parametrize(
    ("stored", "body", "encoding", "exact"),
    [
        ("abc", b"abc", "", True),
        ("Náomi", "Náomi".encode(), "", True),
        ("", b"", "", True),
        ("abc", b"abc", "identity", True),
        ("abc", b"abcd", "", False),
        ("é", b"\xe9", "", False),
        (REPLACED, b"\x00", "", False),
        ("abc" + SHORTENED_MARK, b"abcd", "", False),
        ("abc", b"abc", "gzip", False),
        ("Náomi", "Náomi".encode(), "UTF-8", True),
        ("Zoë", "Zoë".encode("latin-1"), "ISO-8859-1", False),
        ("abc", b"abc", "utf-8, gzip", False),
    ],
)
def test_copy_knows_whether_it_is_the_body_to_the_byte(
    stored: str, body: bytes, encoding: str, exact: bool
) -> None:
    assert is_exact_copy(stored, body, encoding) is exact
