"""`make backup`, `make restore`: all that an installation keeps, as of one moment, in one file.

The file holds the databases of all services, the broker's with `make up`, and the keys: who reads
it reads everything. It is written with mode 0600; keep it as the keys are kept.
"""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from common.settings import process_environment
from installation import ROOT
from run_lock import RunLock
from sqlalchemy import make_url

#: Settings that name folders of keys, and what those are called in a backup and in the data folder.
KEY_FOLDERS = {"TOKEN_KEYS_DIR": "tokens", "SEAL_KEYS_DIR": "seal", "MESSAGE_KEYS_DIR": "messages"}
SCHEMAS = ("proxy", "esb_relay", "notification", "policy_notify")
#: Writers are held up while all snapshots begin; whoever holds a lock longer is not waited for.
LOCK_WAIT_S = 30.0
DUMP = "postgresql.dump"
ABOUT = "backup.json"


class BackupError(Exception):
    """Nothing was written, or nothing restored; the message says why."""


def backup(var_dir: Path, target: Path, environ: Mapping[str, str]) -> list[str]:
    """Write `target`, also while everything runs; what it holds. Raises BackupError."""
    if target.exists():
        raise BackupError(f"{target} exists already")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".backup-") as scratch:
        folder = Path(scratch)
        held = _copy_databases(var_dir, folder)
        if environ.get("DATABASE_URL"):
            _dump(environ["DATABASE_URL"], folder / DUMP)
            held.append("PostgreSQL")
        if not held:
            raise BackupError(f"there is no installation in {var_dir}")
        if _copy_keys(var_dir, folder, environ):
            held.append("keys")
        about = {"made_at": datetime.now(UTC).isoformat(timespec="seconds"), "holds": held}
        (folder / ABOUT).write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")
        _pack(folder, target)
    return held


def restore(source: Path, var_dir: Path, environ: Mapping[str, str]) -> list[str]:
    """Bring back what `backup` wrote, where nothing is yet; what came back. Raises BackupError."""
    if RunLock(var_dir).holder() is not None:
        raise BackupError("Kiungo is running; `make down` first")
    if var_dir.exists() and any(var_dir.iterdir()):
        raise BackupError(f"{var_dir} is not empty; `make reset` deletes it")
    for path in _key_folders(environ).values():
        if path.exists() and any(path.iterdir()):
            raise BackupError(f"{path} is not empty: the keys go there")
    url = environ.get("DATABASE_URL")
    with tempfile.TemporaryDirectory(prefix="kiungo-restore-") as scratch:
        folder = Path(scratch)
        try:
            with tarfile.open(source) as packed:
                _unpack(packed, folder)
            about = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
        except (OSError, tarfile.TarError, ValueError) as exc:
            raise BackupError(f"{source} cannot be read as a backup: {exc}") from exc
        dump = folder / DUMP
        if dump.exists() != bool(url):
            raise BackupError(
                "the backup is of PostgreSQL: DATABASE_URL says where it goes"
                if dump.exists()
                else "the backup is of SQLite, and DATABASE_URL names another database"
            )
        if url:
            _load(url, dump)
            dump.unlink()
        _place_keys(folder, environ)
        shutil.copytree(folder, var_dir, dirs_exist_ok=True)
    var_dir.chmod(0o700)
    held: list[str] = about["holds"]
    return held


def _unpack(packed: tarfile.TarFile, folder: Path) -> None:
    """Plain files and folders beneath `folder`, as ours. Raises ValueError, tarfile.TarError."""
    if hasattr(tarfile, "data_filter"):
        packed.extractall(folder, filter="data")
        return
    for member in packed:  # Python before 3.11.4
        inside = (folder / member.name).resolve().is_relative_to(folder.resolve())
        if not inside or not (member.isfile() or member.isdir()):
            raise ValueError(f"{member.name} is no plain file")
        member.mode &= 0o755
        member.uid, member.gid = os.geteuid(), os.getegid()
        member.uname = member.gname = ""
        packed.extract(member, folder)


def _key_folders(environ: Mapping[str, str]) -> dict[str, Path]:
    """The folders of keys that are not in the data folder, by what a backup calls them."""
    return {name: Path(environ[one]) for one, name in KEY_FOLDERS.items() if environ.get(one)}


def _copy_keys(var_dir: Path, folder: Path, environ: Mapping[str, str]) -> bool:
    """Whether there are any."""
    keys = folder / "keys"
    found = {"": var_dir / "keys", **_key_folders(environ)}
    for name, path in found.items():
        if path.is_dir():
            shutil.copytree(path, keys / name, dirs_exist_ok=True)
    return keys.is_dir() and any(keys.iterdir())


def _place_keys(folder: Path, environ: Mapping[str, str]) -> None:
    """Move those to their folders that settings want elsewhere than in the data folder."""
    for name, path in _key_folders(environ).items():
        if (folder / "keys" / name).is_dir():
            shutil.copytree(folder / "keys" / name, path, dirs_exist_ok=True)
            shutil.rmtree(folder / "keys" / name)


def _copy_databases(var_dir: Path, folder: Path) -> list[str]:
    paths = sorted(var_dir.glob("*.sqlite3"))
    with _snapshots(paths) as databases:
        for path, database in databases.items():
            copy = folder / path.name
            copy.touch(mode=0o600)
            with closing(sqlite3.connect(copy)) as target:
                database.backup(target)
    return [path.name for path in paths]


@contextmanager
def _snapshots(paths: list[Path]) -> Iterator[dict[Path, sqlite3.Connection]]:
    """A connection to each database; all read it as it is at one moment, whoever writes meanwhile.

    Nobody writes to any of them while the snapshots begin: that takes a few milliseconds.
    Raises BackupError.
    """
    with ExitStack() as opened:
        readers = {path: opened.enter_context(closing(_open(path))) for path in paths}
        with ExitStack() as locked:
            try:
                for path in paths:
                    writer = locked.enter_context(closing(_open(path)))
                    writer.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as exc:
                raise BackupError(f"{path.name} cannot be locked: {exc}") from exc
            for reader in readers.values():
                reader.execute("BEGIN")
                reader.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        yield readers


def _open(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, timeout=LOCK_WAIT_S, isolation_level=None)


def _pack(folder: Path, target: Path) -> None:
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file, tarfile.open(fileobj=file, mode="w:gz") as packed:
            for path in sorted(folder.iterdir()):
                packed.add(path, arcname=path.name)
    except BaseException:
        target.unlink()
        raise


def _dump(url: str, target: Path) -> None:
    """All schemas in one snapshot."""
    target.touch(mode=0o600)
    schemas = [f"--schema={schema}" for schema in SCHEMAS]
    _run(url, ["pg_dump", "--format=custom", "--no-owner", f"--file={target}", *schemas])


def _load(url: str, dump: Path) -> None:
    """All of it or nothing; what is there already is never replaced."""
    database = make_url(url).database or ""
    command = ["pg_restore", "--exit-on-error", "--single-transaction", "--no-owner"]
    _run(url, [*command, f"--dbname={database}", str(dump)])


def _run(url: str, command: list[str]) -> None:
    """Run a program of PostgreSQL's; the password is in no argument. Raises BackupError."""
    parts = make_url(url)
    given = {
        "PGHOST": parts.host,
        "PGPORT": parts.port,
        "PGUSER": parts.username,
        "PGPASSWORD": parts.password,
        "PGDATABASE": parts.database,
        "PGSSLMODE": parts.query.get("sslmode"),
    }
    environ = {**os.environ, **{name: str(value) for name, value in given.items() if value}}
    try:
        done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    except FileNotFoundError as exc:
        raise BackupError(f"{command[0]} is not installed (Debian: postgresql-client)") from exc
    if done.returncode:
        raise BackupError(f"{command[0]}: {done.stderr.strip()}")


def main(act: str) -> int:
    """`backup` to $TO (default: a new file in backups/), `restore` from $FROM; the exit status."""
    environ = process_environment(ROOT / ".env.local")
    var_dir = ROOT / environ.get("VAR_DIR", "var")
    try:
        if act == "backup":
            name = f"kiungo-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.tar.gz"
            target = Path(os.environ.get("TO") or ROOT / "backups" / name)
            held = backup(var_dir, target, environ)
            print(f"Wrote {target}: {', '.join(held)}. Who reads it reads everything.")
            if "keys" not in held:
                print("It has no keys: keep them beside it. What is sealed is unreadable without.")
        else:
            if not os.environ.get("FROM"):
                raise BackupError("say which: make restore FROM=backups/….tar.gz")
            held = restore(Path(os.environ["FROM"]), var_dir, environ)
            print(f"Restored {', '.join(held)}. `make up` upgrades the tables and starts.")
    except BackupError as exc:
        print(f"Nothing was done: {exc}.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
