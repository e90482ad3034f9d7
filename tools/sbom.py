"""`make sbom`: what the services are made of, as CycloneDX 1.6 (JSON), and under which licences.

The packages and digests are those of `requirements.lock`, so that the same lock gives the same
document; licences are what the installed packages say of themselves. nginx comes in its package.
"""

import json
import re
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

ROOT = Path(__file__).parent.parent
LOCK = ROOT / "requirements.lock"
TARGET = Path("var")
_ENTRY = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^ ;\\]+)(?: ; (?P<marker>[^\\]+))?")
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")
_UNKNOWN = "not installed here"
_CLASSIFIER = "License :: "


@dataclass(frozen=True)
class Package:
    """A locked package; `marker` says on which systems it is installed."""

    name: str
    version: str
    marker: str
    hashes: tuple[str, ...]

    @property
    def purl(self) -> str:
        """Its package URL, which vulnerability databases are asked by."""
        name = re.sub(r"[-_.]+", "-", self.name).lower()
        return f"pkg:pypi/{quote(name)}@{quote(self.version)}"


def locked(text: str) -> Iterator[Package]:
    """The packages of a lock file, in its order."""
    for block in re.split(r"\n(?=\S)", text):
        found = _ENTRY.match(block)
        if found is not None:
            marker = (found["marker"] or "").strip()
            yield Package(found["name"], found["version"], marker, tuple(_HASH.findall(block)))


def licence_of(name: str, version: str) -> str:
    """What an installed package says of its licence, in one line."""
    try:
        # Typeshed's protocol for it knows less than what it is.
        known = cast(Message, distribution(name).metadata)
    except PackageNotFoundError:
        return _UNKNOWN
    if known["Version"] != version:
        return _UNKNOWN
    expression = known["License-Expression"]
    if expression:
        return str(expression)
    classifiers = [
        one.removeprefix(_CLASSIFIER).rpartition(" :: ")[2]
        for one in known.get_all("Classifier", [])
        if one.startswith(_CLASSIFIER) and one != f"{_CLASSIFIER}OSI Approved"
    ]
    if classifiers:
        return " AND ".join(classifiers)
    lines = str(known["License"] or "").strip().splitlines()
    return lines[0] if lines else "not said"


def document(packages: list[Package], licences: dict[str, str]) -> dict[str, Any]:
    """The bill of materials."""
    components = [_component(package, licences[package.name]) for package in packages]
    identity = uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(components, sort_keys=True))
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{identity}",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": "kiungo",
                "name": "kiungo",
                "licenses": [{"license": {"id": "Apache-2.0"}}],
            }
        },
        "components": components,
        "dependencies": [{"ref": "kiungo", "dependsOn": [one["bom-ref"] for one in components]}],
    }


def _component(package: Package, licence: str) -> dict[str, Any]:
    component: dict[str, Any] = {
        "type": "library",
        "bom-ref": package.purl,
        "name": package.name,
        "version": package.version,
        "purl": package.purl,
        "licenses": [{"license": {"name": licence}}],
        # One for each file that the lock allows: wheels and the source.
        "hashes": [{"alg": "SHA-256", "content": one} for one in package.hashes],
    }
    if package.marker:
        component["properties"] = [{"name": "kiungo:marker", "value": package.marker}]
    return component


def licence_list(packages: list[Package], licences: dict[str, str]) -> str:
    """A line for each package: name, version, licence."""
    lines = [f"{one.name}\t{one.version}\t{licences[one.name]}" for one in packages]
    return "\n".join(["package\tversion\tlicence", *lines]) + "\n"


def main(target: Path = TARGET) -> None:
    """Write `sbom.json` and `licences.tsv`."""
    packages = list(locked(LOCK.read_text(encoding="utf-8")))
    licences = {one.name: licence_of(one.name, one.version) for one in packages}
    target.mkdir(parents=True, exist_ok=True)
    made = json.dumps(document(packages, licences), indent=2) + "\n"
    (target / "sbom.json").write_text(made, encoding="utf-8")
    (target / "licences.tsv").write_text(licence_list(packages, licences), encoding="utf-8")
    sys.stdout.write(f"{len(packages)} packages: {target}/sbom.json, {target}/licences.tsv\n")


if __name__ == "__main__":
    main()
