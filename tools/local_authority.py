"""`make up TLS=1`: a certificate authority of this machine's own, and what it signed for nginx."""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from ports import LOOPBACK

#: How long certificates stand. Browsers take no server's longer than 398 days.
_AUTHORITY = timedelta(days=3650)
_SERVER = timedelta(days=397)
_RENEW_BEFORE = timedelta(days=30)


def certificate(var_dir: Path) -> Path:
    """The authority's certificate: what clients trust."""
    return var_dir / "keys" / "tls" / "authority.pem"


def variables(var_dir: Path) -> dict[str, str]:
    """The settings of `nginx/edge.sh` for a server of this machine; made where missing."""
    folder = certificate(var_dir).parent
    server, key = folder / "server.pem", folder / "server.key"
    if _ends_soon(certificate(var_dir)) or _ends_soon(server):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _make(certificate(var_dir), server, key)
    return {"KIUNGO_TLS_CERT": str(server), "KIUNGO_TLS_KEY": str(key)}


def _ends_soon(path: Path) -> bool:
    if not path.exists():
        return True
    found = x509.load_pem_x509_certificate(path.read_bytes())
    return found.not_valid_after_utc < datetime.now(UTC) + _RENEW_BEFORE


def _make(authority: Path, server: Path, key: Path) -> None:
    """The authority's key is kept nowhere: whoever trusts it trusts this one server."""
    authority_key, server_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    issuer = _name("Kiungo on this machine")
    root = (
        _builder(issuer, issuer, authority_key.public_key(), _AUTHORITY)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(authority_key, hashes.SHA256())
    )
    names = [x509.DNSName("localhost"), x509.IPAddress(ip_address(LOOPBACK))]
    leaf = (
        _builder(_name("localhost"), issuer, server_key.public_key(), _SERVER)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(
            x509.ExtendedKeyUsage([x509.oid.ExtendedKeyUsageOID.SERVER_AUTH]), critical=False
        )
        .sign(authority_key, hashes.SHA256())
    )
    key.touch(mode=0o600)
    key.write_bytes(
        server_key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    server.write_bytes(leaf.public_bytes(serialization.Encoding.PEM))
    authority.write_bytes(root.public_bytes(serialization.Encoding.PEM))


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, valid: timedelta
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + valid)
    )
