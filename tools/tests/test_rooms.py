"""The four services are built alike, and few of their modules stand outside of rooms."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = sorted(path.parent for path in ROOT.glob("services/*/*/app.py"))
MOST_LOOSE = 10


def names(package: Path) -> set[str]:
    """Modules and packages of a service and of its tests, by their places."""
    found = set()
    for root, shown in ((package, "service"), (package.parent / "tests", "tests")):
        for module in root.rglob("*.py"):
            place = module.parent if module.name == "__init__.py" else module
            found.add(f"{shown}/{place.relative_to(root)}")
    return found


def test_the_same_work_has_the_same_name_in_every_service() -> None:
    assert len(PACKAGES) == 4
    assert len(set.intersection(*map(names, PACKAGES))) >= 35


def test_few_modules_stand_outside_of_rooms() -> None:
    loose = {one: {*one.glob("*.py")} - {one / "__init__.py"} for one in PACKAGES}
    assert [one.name for one, modules in loose.items() if len(modules) > MOST_LOOSE] == []
