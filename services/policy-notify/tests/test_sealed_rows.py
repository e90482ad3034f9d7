"""What is stored of insured people is sealed, found again, and turned over by `reseal`."""

from typing import Any

from common import sealing
from policy_notify.container import Container
from policy_notify.intake.kinds import KINDS
from policy_notify.intake.upsert import store
from policy_notify.models import Base, Insuree
from sqlalchemy import select, text

PLANTED = ("CHF-4711", "Mwakyusa", "Amina", "0754 001 234", "+255754001234")
PERSON = {
    "uuid": "5e6b8c1e-52f0-4f0e-9d3b-2f7a0a1c0001",
    "chf_id": "CHF-4711",
    "last_name": "Mwakyusa",
    "other_names": "Amina",
    "phone": "0754 001 234",
    "family": None,
}


def at_rest(container: Container) -> str:
    """Every column of every table, as the database has it."""
    with container.database.reading() as session:
        return "\n".join(
            str(session.execute(text(f'SELECT * FROM "{table.name}"')).all())
            for table in Base.metadata.sorted_tables
        )


def stored(container: Container) -> int:
    """Store the person; how many rows that changed."""
    with container.database.writing() as session:
        outcome = store(session, KINDS["insurees"], [PERSON])
    assert outcome.ok, outcome.rejected
    return outcome.changed


def found(container: Container) -> list[str]:
    """The first names of who has the number, and the CHF id, and the name."""
    is_it = (
        Insuree.number == "+255754001234",
        Insuree.chf_id == "CHF-4711",
        Insuree.last_name.in_(["Mwakyusa"]),
    )
    with container.database.reading() as session:
        return list(session.scalars(select(Insuree.other_names).where(*is_it)))


def test_nobody_is_in_a_copied_database_and_everybody_is_found(
    container: Container, app: Any
) -> None:
    with app.app_context():
        assert stored(container) == 1
        assert not [one for one in PLANTED if one in at_rest(container)]
        assert stored(container) == 0, "who is sealed is known when they come again"
    before = sorted(container.settings.seal_keys_folder.glob("*.key"))
    made = sealing.create_key(container.settings.seal_keys_folder)
    made.rename(made.with_name(f"9-{made.name}"))
    said = app.test_cli_runner().invoke(args=["reseal", "--pause", "0"]).output
    assert "All is under the newest key" in said, said
    for path in before:
        path.unlink()
    assert not [one for one in PLANTED if one in at_rest(container)]
    assert found(container) == ["Amina"]
