# ruff: noqa: DTZ001 - openIMIS keeps times without a zone
"""A database of openIMIS's: its shape, and the public demonstration's size, on real PostgreSQL."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import psycopg
import pytest
from scratch_database import scratch_database

ROW = '"LegacyID" integer, "ValidityFrom" timestamp NOT NULL, "ValidityTo" timestamp'
SCHEMA = f"""
CREATE TABLE "tblLocations" ("LocationId" serial PRIMARY KEY, "LocationUUID" varchar(36) UNIQUE,
  "LocationCode" varchar(50), "LocationName" varchar(50), "ParentLocationId" integer,
  "LocationType" char(1) NOT NULL, {ROW});
CREATE TABLE "tblOfficer" ("OfficerID" serial PRIMARY KEY, "OfficerUUID" varchar(36) UNIQUE,
  "Code" varchar(50) NOT NULL, "LastName" varchar(100), "OtherNames" varchar(100), {ROW});
CREATE TABLE "tblProduct" ("ProdID" serial PRIMARY KEY, "ProdUUID" varchar(36) UNIQUE,
  "ProductCode" varchar(8), "ProductName" varchar(100), "ConversionProdID" integer, {ROW});
CREATE TABLE "tblFamilies" ("FamilyID" serial PRIMARY KEY, "FamilyUUID" varchar(36) UNIQUE,
  "InsureeID" integer NOT NULL, "LocationId" integer, "Poverty" boolean, {ROW});
CREATE TABLE "tblInsuree" ("InsureeID" serial PRIMARY KEY, "InsureeUUID" varchar(36) UNIQUE,
  "FamilyID" integer, "CHFID" varchar(50), "LastName" varchar(100), "OtherNames" varchar(100),
  "DOB" date, "Phone" varchar(50), "IsHead" boolean NOT NULL DEFAULT false, {ROW});
CREATE TABLE "tblPolicy" ("PolicyID" serial PRIMARY KEY, "PolicyUUID" varchar(36) UNIQUE,
  "FamilyID" integer NOT NULL, "ProdID" integer NOT NULL, "OfficerID" integer,
  "PolicyStage" char(1), "PolicyStatus" smallint, "PolicyValue" numeric(18,2),
  "EnrollDate" date NOT NULL, "StartDate" date NOT NULL, "EffectiveDate" date, "ExpiryDate" date,
  {ROW});
CREATE TABLE "tblFamilySMS" ("FamilyID" integer PRIMARY KEY, "ApprovalOfSMS" boolean NOT NULL,
  "LanguageOfSMS" varchar(5) NOT NULL, "ValidityFrom" timestamp, "ValidityTo" timestamp);
CREATE TABLE "tblIndicationOfPolicyNotifications" ("PolicyID" integer PRIMARY KEY,
  "NotificationOnActivationSent" timestamp, "NotificationOnEffectiveSent" timestamp,
  "NotificationBeforeExpirySent" timestamp, "NotificationOnExpirationSent" timestamp,
  "NotificationAfterExpirationSent" timestamp, "NotificationOnRenewalSent" timestamp,
  "ValidityFrom" timestamp, "ValidityTo" timestamp);
CREATE TABLE "tblIndicationOfPolicyNotificationsDetails" (id serial PRIMARY KEY,
  "indicationID" integer NOT NULL, notification_type varchar(255) NOT NULL,
  "Status" smallint NOT NULL, details text, "ValidityFrom" timestamp, "ValidityTo" timestamp);
"""
LONG_AGO = datetime(2026, 1, 2, 8, 0)
#: The public demonstration database's shape.
FAMILIES, INSUREES, POLICIES = 25, 69, 34


@dataclass
class Openimis:
    """A living openIMIS's database; rows are made as its own application makes them."""

    url: str
    connection: Any
    families: list[int] = field(default_factory=list)
    policies: list[int] = field(default_factory=list)

    def add(self, table: str, key: str, **columns: Any) -> int:
        columns = {"ValidityFrom": LONG_AGO, **columns}
        names = ", ".join(f'"{name}"' for name in columns)
        holes = ", ".join(["%s"] * len(columns))
        statement = f'INSERT INTO "{table}" ({names}) VALUES ({holes}) RETURNING "{key}"'
        made: int = self.connection.execute(statement, list(columns.values())).fetchone()[0]
        return made

    def columns(self, table: str, type_: str) -> list[str]:
        """The table's columns of a type."""
        found = self.connection.execute(
            "SELECT column_name FROM information_schema.columns "
            "WHERE table_name = %s AND data_type = %s",
            (table, type_),
        )
        return [name for (name,) in found]

    def change(self, statement: str, *values: Any) -> None:
        self.connection.execute(statement, values)

    def filled(self, today: date) -> "Openimis":
        """The demonstration's shape, with history and a deleted family besides."""
        parent = None
        for level, code in (("R", "R1"), ("D", "R1D1"), ("W", "R1D1M1"), ("V", "R1D1M1V1")):
            names = {"LocationCode": code, "LocationName": f"Place {code}", "LocationType": level}
            parent = self.add(
                "tblLocations",
                "LocationId",
                LocationUUID=str(uuid.uuid4()).upper(),
                ParentLocationId=parent,
                **names,
            )
        officer = self.add(
            "tblOfficer", "OfficerID", OfficerUUID=str(uuid.uuid4()), Code="E00001", LastName="O"
        )
        product = self.add(
            "tblProduct",
            "ProdID",
            ProdUUID=str(uuid.uuid4()),
            ProductCode="BCUL0001",
            ProductName="Basic Cover",
        )
        for at in range(FAMILIES):
            self.families.append(self._family(at, parent))
        for at in range(INSUREES - FAMILIES):
            self._person(self.families[at % FAMILIES], f"M{at:03}", f"0754 000 {at:03}")
        for at in range(POLICIES):
            self.policies.append(
                self._policy(self.families[at % FAMILIES], product, officer, today)
            )
        self._history()
        return self

    def _person(self, family: int | None, chf_id: str, phone: str | None, **more: Any) -> int:
        names = {"CHFID": chf_id, "LastName": "Mushi", "OtherNames": "Asha", "Phone": phone}
        person = {"InsureeUUID": str(uuid.uuid4()), "FamilyID": family, **names, **more}
        return self.add("tblInsuree", "InsureeID", **person)

    def _family(self, at: int, village: int | None) -> int:
        head = self._person(None, f"H{at:03}", "n/a" if at % 5 == 0 else f"0712 000 {at:03}")
        made = self.add(
            "tblFamilies",
            "FamilyID",
            FamilyUUID=str(uuid.uuid4()),
            InsureeID=head,
            LocationId=village,
        )
        self.change('UPDATE "tblInsuree" SET "FamilyID" = %s WHERE "InsureeID" = %s', made, head)
        yes = {"ApprovalOfSMS": True, "LanguageOfSMS": "en"}
        self.add("tblFamilySMS", "FamilyID", FamilyID=made, **yes)
        return made

    def _policy(self, family: int, product: int, officer: int, today: date) -> int:
        start = today - timedelta(days=100)
        return self.add(
            "tblPolicy",
            "PolicyID",
            PolicyUUID=str(uuid.uuid4()),
            FamilyID=family,
            ProdID=product,
            OfficerID=officer,
            PolicyStatus=2,
            PolicyStage=None if len(self.policies) % 2 else "N",
            PolicyValue=12000,
            EnrollDate=start,
            StartDate=start,
            EffectiveDate=start,
            ExpiryDate=today + timedelta(days=265),
        )

    def _history(self) -> None:
        """Each change keeps the row as it was, under another key; deleting only ends a row."""
        copied = '"FamilyID", "ProdID", "PolicyStatus", "EnrollDate", "StartDate", "ValidityFrom"'
        self.change(
            f'INSERT INTO "tblPolicy" ("PolicyUUID", "LegacyID", "ValidityTo", {copied}) '
            f'SELECT gen_random_uuid()::text, "PolicyID", now(), {copied} FROM "tblPolicy"'
        )


@pytest.fixture(scope="session")
def openimis_url() -> Iterator[str]:
    """The URL of openIMIS's database."""
    with scratch_database() as url:
        yield url


@pytest.fixture
def openimis(openimis_url: str, today: date) -> Iterator[Openimis]:
    """A database of openIMIS's, on a server that we may only read from."""
    with psycopg.connect(openimis_url, autocommit=True) as connection:
        connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        connection.execute(SCHEMA)
        yield Openimis(openimis_url, connection).filled(today)
