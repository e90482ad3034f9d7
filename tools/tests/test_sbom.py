"""The bill of materials names every package that is locked, with digests and a licence."""

import json
import re
import uuid
from pathlib import Path

import pytest
import sbom

LOCK = sbom.LOCK.read_text(encoding="utf-8")
PACKAGES = list(sbom.locked(LOCK))


def test_every_locked_package_is_there_with_its_digests() -> None:
    names = re.findall(r"^([A-Za-z0-9._-]+)==", LOCK, re.MULTILINE)
    assert [one.name for one in PACKAGES] == names
    assert sum(len(one.hashes) for one in PACKAGES) == LOCK.count("--hash=")
    assert all(one.hashes and " " not in one.version for one in PACKAGES)
    assert {one.name: one.marker for one in PACKAGES}["colorama"] == "sys_platform == 'win32'"


def test_document_is_written_and_the_same_each_time(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for folder in ("a", "b"):
        sbom.main(tmp_path / folder)
    made = (tmp_path / "a" / "sbom.json").read_text()
    assert made == (tmp_path / "b" / "sbom.json").read_text()
    read = json.loads(made)
    assert (read["bomFormat"], read["specVersion"]) == ("CycloneDX", "1.6")
    assert uuid.UUID(read["serialNumber"].removeprefix("urn:uuid:"))
    (flask,) = [one for one in read["components"] if one["name"] == "flask"]
    assert flask["purl"] == f"pkg:pypi/flask@{flask['version']}"
    assert all(len(one["content"]) == 64 for one in flask["hashes"])
    assert len(read["dependencies"][0]["dependsOn"]) == len(PACKAGES)
    assert f"{len(PACKAGES)} packages" in capsys.readouterr().out


def test_licences_are_known_of_what_runs_here(tmp_path: Path) -> None:
    sbom.main(tmp_path)
    lines = (tmp_path / "licences.tsv").read_text().splitlines()[1:]
    by_name = {line.split("\t")[0]: line.split("\t")[2] for line in lines}
    assert by_name["flask"] == "BSD-3-Clause"
    for package in PACKAGES:
        if not package.marker:
            assert by_name[package.name] not in {"", "not installed here", "not said"}, package


def test_licence_of_another_version_is_not_taken_for_this_one() -> None:
    assert sbom.licence_of("flask", "0.0.1") == "not installed here"
