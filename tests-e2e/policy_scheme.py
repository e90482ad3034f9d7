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

    def expiring(self, phone: str, *, chf_id: str | None = None) -> dict[str, str]:
        """A family whose policy expires today; the policy comes first, as it may happen."""
        made = {name: str(uuid.uuid4()) for name in ("family", "head", "policy")}
        made["chf_id"] = chf_id or uuid.uuid4().hex[:12]
        self.put(
            "policies",
            {
                "uuid": made["policy"],
                "family": made["family"],
                "product": self.product,
                "status": "active",
                "stage": "new",
                "start_date": str(self.today - timedelta(days=364)),
                "effective_date": str(self.today - timedelta(days=364)),
                "expiry_date": str(self.today),
                "validity_from": str(self.today - timedelta(days=364)),
            },
        )
        head = {"uuid": made["head"], "chf_id": made["chf_id"], "phone": phone}
        names = {"last_name": "Mushi", "other_names": "Asha", "family": made["family"]}
        self.put("insurees", {**head, **names})
        family = {"uuid": made["family"], "location": self.village, "head": made["head"]}
        self.put("families", family)
        return made

    def consent(self, chf_id: str, language: str) -> None:
        """The mutation that openIMIS signals when a family is created."""
        data = {
            "head_insuree": {"chf_id": chf_id},
            "contribution": {
                "PolicyNotification": {
                    "approvalOfNotification": True,
                    "languageOfNotification": language,
                }
            },
        }
        mutation = {"mutation_class": "CreateFamilyMutation", "data": data}
        answer = self.ask("POST", "mutations/", json=mutation)
        assert answer.status_code == 200, answer.text

    def request_run(self) -> str:
        answer = self.ask("POST", "runs/", json={"date": str(self.today)})
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

    def attempts(self, policy: str) -> list[dict[str, Any]]:
        """What was tried to tell of the expiry, newest first."""
        query = {"policy": policy, "type": "expiration_of_policy"}
        answer = self.ask("GET", "indications/", params=query)
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["data"]
        return found
