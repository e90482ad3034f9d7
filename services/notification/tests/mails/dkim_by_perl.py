"""DKIM checked by Perl's Mail::DKIM, which shares nothing with what signs."""

import base64
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

PROGRAM = Path(__file__).with_name("verify_dkim.pl")


def verdicts(mails: Sequence[bytes], key: RSAPublicKey, name: str, folder: Path) -> list[str]:
    """`pass`, `fail`, … for each mail; `name` is where the key's record stands in DNS.

    Skips where there is no Mail::DKIM (Debian: libmail-dkim-perl).
    """
    if shutil.which("perl") is None or _perl("-MMail::DKIM::Verifier", "-e", "1").returncode:
        pytest.skip("Perl's Mail::DKIM is not installed")
    public = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    record = f"v=DKIM1; k=rsa; p={base64.b64encode(public).decode()}"
    paths = [folder / f"{place}.eml" for place in range(len(mails))]
    for path, mail in zip(paths, mails, strict=True):
        path.write_bytes(mail)
    done = _perl(str(PROGRAM), name, record, *map(str, paths))
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def _perl(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = ["perl", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
