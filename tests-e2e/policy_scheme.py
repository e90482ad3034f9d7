"""A scheme as policy-notify is told of it: records through nginx, runs, and what came of them."""

import time
import uuid
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import requests
from hub import Hub

PREFIX = "/api/policy-notification"


@dataclass
class Scheme:
    """Asks the service with a token; each scheme has places and a product of its own."""

    hub: Hub
    region: str = field(default_factory=lambda: str(uuid.uuid4()))
    district: str = field(default_factory=lambda: str(uuid.uuid4()))
    village: str = field(default_factory=lambda: str(uuid.uuid4()))
    product: str = field(default_factory=lambda: str(uuid.uuid4()))
    today: date = field(default_factory=lambda: datetime.now(UTC).date())

    def ask(self, method: str, path: str, **options: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.hub.token}", **options.pop("headers", {})}
        return self.hub.session.request(
            method, f"{self.hub.url}{PREFIX}/{path}", headers=headers, timeout=30, **options
        )

    def put(self, kind: str, *records: dict[str, Any]) -> dict[str, Any]:
        answer = self.ask("PUT", f"{kind}/", json=list(records))
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        assert found["ok"], found
        return found

    def found(self) -> "Scheme":
        """Places and the product."""
        self.put(
            "locations",
            {"uuid": self.region, "code": "R1", "name": "Dodoma", "level": "R"},
            {
                "uuid": self.district,
                "code": "D1",
                "name": "Chamwino",
                "level": "D",
                "parent": self.region,
            },
            {
                "uuid": self.village,
                "code": "V1",
                "name": "Buigiri",
                "level": "V",
                "parent": self.district,
            },
        )
        self.put("products", {"uuid": self.product, "code": "CHF01", "name": "CHF"})
        return self

    def family(self, phone: str | None = None, **changes: Any) -> dict[str, str]:
        """A family and its head: the uuids of both, and the head's CHF id."""
        family = str(changes.pop("uuid", uuid.uuid4()))
        chf_id = uuid.uuid4().hex[:12]
        head = self.person(family, phone, chf_id=chf_id)
        self.put("families", {"uuid": family, "location": self.village, "head": head, **changes})
        return {"family": family, "head": head, "chf_id": chf_id}

    def person(self, family: str | None, phone: str | None, **changes: Any) -> str:
        """Somebody; without a family: a former member."""
        names = {"last_name": "Mushi", "other_names": "Asha", "chf_id": uuid.uuid4().hex[:12]}
        made = {"uuid": str(uuid.uuid4()), "family": family, "phone": phone, **names, **changes}
        self.put("insurees", made)
        return str(made["uuid"])

    def policy(self, family: str, **changes: Any) -> str:
        """A policy in the middle of its life: only what `changes` say is to be told of it."""
        made = str(changes.pop("uuid", uuid.uuid4()))
        days = {
            "start_date": self.day(-100),
            "effective_date": self.day(-100),
            "expiry_date": self.day(265),
            "validity_from": self.day(-100),
        }
        kept = {"status": "active", "stage": "new", "product": self.product, **days}
        self.put("policies", {"uuid": made, "family": family, **kept, **changes})
        return made

    def day(self, days: int) -> str:
        """The day that lies so many days after today."""
        return str(self.today + timedelta(days=days))

    def expiring(self, phone: str) -> dict[str, str]:
        """A family whose policy expires today; the policy comes first, as it may happen."""
        family = str(uuid.uuid4())
        policy = self.policy(family, expiry_date=self.day(0))
        return {**self.family(phone, uuid=family), "policy": policy}

    def consent(self, chf_id: str, language: str = "en", *, approval: bool = True) -> None:
        """The mutation that openIMIS signals when a family is created."""
        data = {
            "head_insuree": {"chf_id": chf_id},
            "contribution": {
                "PolicyNotification": {
                    "approvalOfNotification": approval,
                    "languageOfNotification": language,
                }
            },
        }
        mutation = {"mutation_class": "CreateFamilyMutation", "data": data}
        answer = self.ask("POST", "mutations/", json=mutation)
        assert answer.status_code == 200, answer.text

    def run(self, days: int = 0) -> dict[str, Any]:
        """A whole run for the day that lies so many days after today."""
        return self.ended(self.request_run(days))

    def request_run(self, days: int = 0) -> str:
        answer = self.ask("POST", "runs/", json={"date": self.day(days)})
        assert answer.status_code == 202, answer.text
        return str(answer.json()["id"])

    def ended(self, run_id: str, timeout_s: float = 40.0) -> dict[str, Any]:
        """The run, once it has ended."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            run: dict[str, Any] = self.ask("GET", f"runs/{run_id}/").json()
            if run["status"] == "ended":
                return run
            time.sleep(0.1)
        raise AssertionError("the run did not end in time")

    def attempts(
        self, policy: str, type_: str | None = "expiration_of_policy"
    ) -> list[dict[str, Any]]:
        """What was tried to tell of a policy, newest first."""
        query = {"policy": policy, **({"type": type_} if type_ else {})}
        answer = self.ask("GET", "indications/", params=query)
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["data"]
        return found
