"""npm packages for tests: installed from a lock file once, found again by later runs."""

import hashlib
import re
import shutil
import subprocess
from pathlib import Path

import pytest

INSTALL_S = 60
OUR_FAULT = {"EINTEGRITY", "EUSAGE", "EJSONPARSE"}


def npm_packages(
    source: Path, config: pytest.Config, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A folder with what `source`/package-lock.json names.

    Skips where there is no npm or no registry.
    """
    name = hashlib.sha256(str(source).encode()).hexdigest()[:12]
    cache = getattr(config, "cache", None)  # absent under -p no:cacheprovider
    folder: Path = cache.mkdir(f"npm-{name}") if cache else tmp_path_factory.mktemp(f"npm-{name}")
    _install(source, folder)
    return folder


def _install(source: Path, folder: Path) -> None:
    if not shutil.which("npm") or not shutil.which("node"):
        pytest.skip("npm or node is not installed")
    lock = hashlib.sha256((source / "package-lock.json").read_bytes()).hexdigest()
    done = folder / "installed"
    if done.exists() and done.read_text() == lock:
        return
    for name in ("package.json", "package-lock.json"):
        shutil.copy(source / name, folder)
    command = ["npm", "ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund"]
    command += ["--fetch-retries=0", f"--fetch-timeout={INSTALL_S * 500}"]
    try:
        run = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=INSTALL_S)
    except subprocess.TimeoutExpired:
        pytest.skip("the npm registry did not answer in time")
    if run.returncode:
        code = re.search(r"npm (?:error|ERR!) code (\w+)", run.stderr)
        reason = code[1] if code else "unknown error"
        if reason in OUR_FAULT:
            pytest.fail(f"npm ci: {reason}")
        pytest.skip(f"the npm registry cannot be reached: {reason}")
    done.write_text(lock)
