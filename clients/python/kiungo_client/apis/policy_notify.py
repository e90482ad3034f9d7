"""Policy notification: written by `tools/client_code.py`, not by hand."""

from typing import Any, Literal

from kiungo_client.apis.base import JSON, Api, Json, Record


class PolicyNotify(Api):
    """The operations of Policy notification."""

    OPERATIONS = {
        "index": "index",
        "list_locations_records": "list_locations_records",
        "put_locations": "put_locations",
        "list_officers_records": "list_officers_records",
        "put_officers": "put_officers",
        "list_products_records": "list_products_records",
        "put_products": "put_products",
        "list_families": "list_families",
        "put_families": "put_families",
        "list_insurees_records": "list_insurees_records",
        "put_insurees": "put_insurees",
        "list_policies_records": "list_policies_records",
        "put_policies": "put_policies",
        "list_consents_records": "list_consents_records",
        "put_consents": "put_consents",
        "list_indications": "list_indications",
        "put_indications": "put_indications",
        "list_indications_records": "list_indications_records",
        "count_records": "count_records",
        "erase": "erase",
        "list_waiting": "list_waiting",
        "list_dead_letters": "list_dead_letters",
        "replay_dead_letter": "replay_dead_letter",
        "drop_dead_letter": "drop_dead_letter",
        "Notification_get": "notification_get",
        "Notification_post": "notification_post",
        "Notification_patch": "notification_patch",
        "Notification_delete": "notification_delete",
        "mutate": "mutate",
        "Runs_get": "runs_get",
        "Runs_post": "runs_post",
        "read_run": "read_run",
        "Payments_get": "payments_get",
        "Payments_post": "payments_post",
        "read_payment": "read_payment",
        "count_attempts": "count_attempts",
        "read_report": "read_report",
        "list_audit_events": "list_audit_events",
        "read_openimis_report": "read_openimis_report",
    }

    def index(self) -> Record:
        """What the service is, what it sends and where its addresses are."""
        answer: Record = self._ask("index", "GET", "/api/policy-notification/")
        return answer

    def list_locations_records(
        self, *, cursor: str | None = None, limit: int | None = None
    ) -> Record:
        """List locations by their uuid, ended ones too."""
        answer: Record = self._ask(
            "list_locations_records",
            "GET",
            "/api/policy-notification/locations/",
            query={"limit": limit, "cursor": cursor},
        )
        return answer

    def put_locations(
        self,
        body: Json | bytes | str,
        media_type: Literal["application/json", "application/x-ndjson"] = "application/json",
        *,
        unknown: Literal["reject", "ignore", "refuse"] | None = None,
    ) -> Record:
        """Create or change locations by their uuid: a JSON array or NDJSON."""
        answer: Record = self._ask(
            "put_locations",
            "PUT",
            "/api/policy-notification/locations/",
            query={"unknown": unknown},
            body=body,
            media_type=media_type,
        )
        return answer

    def list_officers_records(
        self, *, cursor: str | None = None, limit: int | None = None
    ) -> Record:
        """List officers by their uuid, ended ones too."""
        answer: Record = self._ask(
            "list_officers_records",
            "GET",
            "/api/policy-notification/officers/",
            query={"limit": limit, "cursor": cursor},
        )
        return answer

    def put_officers(
        self,
        body: Json | bytes | str,
        media_type: Literal["application/json", "application/x-ndjson"] = "application/json",
        *,
        unknown: Literal["reject", "ignore", "refuse"] | None = None,
    ) -> Record:
        """Create or change officers by their uuid: a JSON array or NDJSON."""
        answer: Record = self._ask(
            "put_officers",
            "PUT",
            "/api/policy-notification/officers/",
            query={"unknown": unknown},
            body=body,
            media_type=media_type,
        )
        return answer

    def list_products_records(
        self, *, cursor: str | None = None, limit: int | None = None
    ) -> Record:
        """List products by their uuid, ended ones too."""
        answer: Record = self._ask(
            "list_products_records",
            "GET",
            "/api/policy-notification/products/",
            query={"limit": limit, "cursor": cursor},
        )
        return answer

    def put_products(
        self,
        body: Json | bytes | str,
        media_type: Literal["application/json", "application/x-ndjson"] = "application/json",
        *,
        unknown: Literal["reject", "ignore", "refuse"] | None = None,
    ) -> Record:
        """Create or change products by their uuid: a JSON array or NDJSON."""
        answer: Record = self._ask(
            "put_products",
            "PUT",
            "/api/policy-notification/products/",
            query={"unknown": unknown},
            body=body,
            media_type=media_type,
        )
        return answer

    def list_families(
        self,
        *,
        additional_filter: str | None = None,
        cursor: str | None = None,
        district: str | None = None,
        limit: int | None = None,
        mode: int | None = None,
        officer: str | None = None,
        region: str | None = None,
    ) -> Record:
        """List families with their heads and consents; ended ones are left out."""
        answer: Record = self._ask(
            "list_families",
            "GET",
            "/api/policy-notification/families/",
            query={
                "limit": limit,
                "cursor": cursor,
                "mode": mode,
                "additional_filter": additional_filter,
                "region": region,
                "district": district,
                "officer": officer,
            },
        )
        return answer

    def put_families(
        self,
        body: Json | bytes | str,
        media_type: Literal["application/json", "application/x-ndjson"] = "application/json",
        *,
        unknown: Literal["reject", "ignore", "refuse"] | None = None,
    ) -> Record:
        """Create or change families by their uuid: a JSON array or NDJSON."""
        answer: Record = self._ask(
            "put_families",
            "PUT",
            "/api/policy-notification/families/",
            query={"unknown": unknown},
            body=body,
            media_type=media_type,
        )
        return answer

    def list_insurees_records(
        self, *, cursor: str | None = None, limit: int | None = None
    ) -> Record:
        """List insurees by their uuid, ended ones too."""
        answer: Record = self._ask(
            "list_insurees_records",
            "GET",
            "/api/policy-notification/insurees/",
            query={"limit": limit, "cursor": cursor},
        )
        return answer

    def put_insurees(
        self,
        body: Json | bytes | str,
        media_type: Literal["application/json", "application/x-ndjson"] = "application/json",
        *,
        unknown: Literal["reject", "ignore", "refuse"] | None = None,
    ) -> Record:
        """Create or change insurees by their uuid: a JSON array or NDJSON."""
        answer: Record = self._ask(
            "put_insurees",
            "PUT",
            "/api/policy-notification/insurees/",
            query={"unknown": unknown},
            body=body,
            media_type=media_type,
        )
        return answer

    def list_policies_records(
        self, *, cursor: str | None = None, limit: int | None = None
    ) -> Record:
        """List policies by their uuid, ended ones too."""
        answer: Record = self._ask(
            "list_policies_records",
            "GET",
            "/api/policy-notification/policies/",
            query={"limit": limit, "cursor": cursor},
        )
        return answer

    def put_policies(
        self,
        body: Json | bytes | str,
        media_type: Literal["application/json", "application/x-ndjson"] = "application/json",
        *,
        unknown: Literal["reject", "ignore", "refuse"] | None = None,
    ) -> Record:
        """Create or change policies by their uuid: a JSON array or NDJSON."""
        answer: Record = self._ask(
            "put_policies",
            "PUT",
            "/api/policy-notification/policies/",
            query={"unknown": unknown},
            body=body,
            media_type=media_type,
        )
        return answer

    def list_consents_records(
        self, *, cursor: str | None = None, limit: int | None = None
    ) -> Record:
        """List consents by their family, ended ones too."""
        answer: Record = self._ask(
            "list_consents_records",
            "GET",
            "/api/policy-notification/consents/",
            query={"limit": limit, "cursor": cursor},
        )
        return answer

    def put_consents(
        self,
        body: Json | bytes | str,
        media_type: Literal["application/json", "application/x-ndjson"] = "application/json",
        *,
        unknown: Literal["reject", "ignore", "refuse"] | None = None,
    ) -> Record:
        """Create or change consents by their family: a JSON array or NDJSON."""
        answer: Record = self._ask(
            "put_consents",
            "PUT",
            "/api/policy-notification/consents/",
            query={"unknown": unknown},
            body=body,
            media_type=media_type,
        )
        return answer

    def list_indications(
        self,
        *,
        cursor: str | None = None,
        limit: int | None = None,
        policy: str | None = None,
        status: int | None = None,
        type: Literal[
            "activation_of_policy",
            "starting_of_policy",
            "need_for_renewal",
            "expiration_of_policy",
            "reminder_after_expiration",
            "renewal_of_policy",
        ]
        | None = None,
    ) -> Record:
        """List attempts, newest first: messages that were sent, and rejections with their
        reasons.
        """
        answer: Record = self._ask(
            "list_indications",
            "GET",
            "/api/policy-notification/indications/",
            query={
                "limit": limit,
                "cursor": cursor,
                "policy": policy,
                "type": type,
                "status": status,
            },
        )
        return answer

    def put_indications(
        self,
        body: Json | bytes | str,
        media_type: Literal["application/json", "application/x-ndjson"] = "application/json",
        *,
        unknown: Literal["reject", "ignore", "refuse"] | None = None,
    ) -> Record:
        """Create or change indications by their policy: a JSON array or NDJSON."""
        answer: Record = self._ask(
            "put_indications",
            "PUT",
            "/api/policy-notification/indications/",
            query={"unknown": unknown},
            body=body,
            media_type=media_type,
        )
        return answer

    def list_indications_records(
        self, *, cursor: str | None = None, limit: int | None = None
    ) -> Record:
        """List indications by their policy, ended ones too."""
        answer: Record = self._ask(
            "list_indications_records",
            "GET",
            "/api/policy-notification/indications/sent/",
            query={"limit": limit, "cursor": cursor},
        )
        return answer

    def count_records(self) -> Record:
        """Count the records of each kind: all, current ones, and references that wait."""
        answer: Record = self._ask("count_records", "GET", "/api/policy-notification/counts/")
        return answer

    def erase(self, person: str) -> Record:
        """Erase a person's data, for good: names, number, and the words of messages; counts
        remain.
        """
        answer: Record = self._ask(
            "erase", "DELETE", "/api/policy-notification/insurees/{}/", person
        )
        return answer

    def list_waiting(
        self,
        *,
        reference: Literal[
            "locations.parent",
            "products.conversion_product",
            "families.location",
            "families.head",
            "insurees.family",
            "policies.family",
            "policies.product",
            "policies.officer",
            "consents.family",
            "indications.policy",
        ],
        cursor: str | None = None,
        limit: int | None = None,
    ) -> Record:
        """List the records whose reference names nothing yet, by uuid."""
        answer: Record = self._ask(
            "list_waiting",
            "GET",
            "/api/policy-notification/waiting/",
            query={"reference": reference, "cursor": cursor, "limit": limit},
        )
        return answer

    def list_dead_letters(self) -> Record:
        """List the events that could not be handled; the log has the reasons."""
        answer: Record = self._ask(
            "list_dead_letters", "GET", "/api/policy-notification/dead-letters/"
        )
        return answer

    def replay_dead_letter(self, key: str) -> Record:
        """Send an event again that could not be handled."""
        answer: Record = self._ask(
            "replay_dead_letter", "POST", "/api/policy-notification/dead-letters/{}/replay/", key
        )
        return answer

    def drop_dead_letter(self, key: str) -> Record:
        """Forget an event that could not be handled."""
        answer: Record = self._ask(
            "drop_dead_letter", "DELETE", "/api/policy-notification/dead-letters/{}/", key
        )
        return answer

    def notification_get(self, family: str) -> Record:
        """Read a family's consent."""
        answer: Record = self._ask(
            "Notification_get", "GET", "/api/policy-notification/families/{}/notification/", family
        )
        return answer

    def notification_post(self, family: str, body: Json) -> Record:
        """Create a family's consent, once; by default it denies, in the first language."""
        answer: Record = self._ask(
            "Notification_post",
            "POST",
            "/api/policy-notification/families/{}/notification/",
            family,
            body=body,
            media_type=JSON,
        )
        return answer

    def notification_patch(self, family: str, body: Json, *, if_match: str | None = None) -> Record:
        """Change what is given; a family without consent gets one first."""
        answer: Record = self._ask(
            "Notification_patch",
            "PATCH",
            "/api/policy-notification/families/{}/notification/",
            family,
            headers={"If-Match": if_match},
            body=body,
            media_type=JSON,
        )
        return answer

    def notification_delete(self, family: str, *, if_match: str | None = None) -> Record:
        """Back to the defaults; the consent of a family that has ended ends too."""
        answer: Record = self._ask(
            "Notification_delete",
            "DELETE",
            "/api/policy-notification/families/{}/notification/",
            family,
            headers={"If-Match": if_match},
        )
        return answer

    def mutate(self, body: Json) -> Record:
        """Act on a Create-, Update- or DeleteFamilies-mutation, as openIMIS signals it."""
        answer: Record = self._ask(
            "mutate", "POST", "/api/policy-notification/mutations/", body=body, media_type=JSON
        )
        return answer

    def runs_get(self, *, cursor: str | None = None, limit: int | None = None) -> Record:
        """List runs, newest first."""
        answer: Record = self._ask(
            "Runs_get",
            "GET",
            "/api/policy-notification/runs/",
            query={"limit": limit, "cursor": cursor},
        )
        return answer

    def runs_post(self, body: Json) -> Record:
        """Ask for a run; a worker carries it out as soon as no other run is on."""
        answer: Record = self._ask(
            "Runs_post", "POST", "/api/policy-notification/runs/", body=body, media_type=JSON
        )
        return answer

    def read_run(self, run_id: str) -> Record:
        """Read a run."""
        answer: Record = self._ask("read_run", "GET", "/api/policy-notification/runs/{}/", run_id)
        return answer

    def payments_get(
        self,
        *,
        cursor: str | None = None,
        event: Literal["control_number_assigned", "control_number_failed", "paid", "not_matched"]
        | None = None,
        family: str | None = None,
        limit: int | None = None,
        payment: str | None = None,
        status: int | None = None,
    ) -> Record:
        """List what was reported of payments, newest first, with what became of the messages."""
        answer: Record = self._ask(
            "Payments_get",
            "GET",
            "/api/policy-notification/payments/",
            query={
                "limit": limit,
                "cursor": cursor,
                "payment": payment,
                "family": family,
                "event": event,
                "status": status,
            },
        )
        return answer

    def payments_post(self, body: Json) -> Record:
        """Report what happened to a payment; a worker sends the message about it, once."""
        answer: Record = self._ask(
            "Payments_post",
            "POST",
            "/api/policy-notification/payments/",
            body=body,
            media_type=JSON,
        )
        return answer

    def read_payment(self, report: str) -> Record:
        """Read a report by its `uuid`, with what became of the message."""
        answer: Record = self._ask(
            "read_payment", "GET", "/api/policy-notification/payments/{}/", report
        )
        return answer

    def count_attempts(self, *, since: str | None = None) -> Record:
        """Count attempts by type and status."""
        answer: Record = self._ask(
            "count_attempts", "GET", "/api/policy-notification/metrics/", query={"since": since}
        )
        return answer

    def read_report(
        self,
        *,
        district_uuid: str | None = None,
        format: Literal["json", "csv", "xlsx", "pdf", "html"] | None = None,
        mode: int | None = None,
        officer_uuid: str | None = None,
        region_uuid: str | None = None,
    ) -> Any:
        """Tell who can be notified: families of a region or district, streamed."""
        answer: Any = self._ask(
            "read_report",
            "GET",
            "/api/policy-notification/communication_by_notification_report/",
            query={
                "regionUuid": region_uuid,
                "districtUuid": district_uuid,
                "officerUuid": officer_uuid,
                "mode": mode,
                "format": format,
            },
        )
        return answer

    def list_audit_events(
        self,
        *,
        act: str | None = None,
        cursor: str | None = None,
        limit: int | None = None,
        object: str | None = None,
        since: str | None = None,
        until: str | None = None,
        who: str | None = None,
    ) -> Record:
        """List the acts of staff, clients and commands, newest first."""
        answer: Record = self._ask(
            "list_audit_events",
            "GET",
            "/api/policy-notification/audit/",
            query={
                "who": who,
                "act": act,
                "object": object,
                "since": since,
                "until": until,
                "limit": limit,
                "cursor": cursor,
            },
        )
        return answer

    def read_openimis_report(
        self,
        *,
        district_uuid: str | None = None,
        family_filter_json: str | None = None,
        format: Literal["json", "csv", "xlsx", "pdf", "html"] | None = None,
        mode: int | None = None,
        officer_uuid: str | None = None,
        region_uuid: str | None = None,
    ) -> Any:
        """Tell who can be notified, at openIMIS's address and with the filters of its family
        search.
        """
        answer: Any = self._ask(
            "read_openimis_report",
            "GET",
            "/api/policy_notification/communication_by_notification_report/",
            query={
                "regionUuid": region_uuid,
                "districtUuid": district_uuid,
                "officerUuid": officer_uuid,
                "mode": mode,
                "format": format,
                "familyFilterJson": family_filter_json,
            },
        )
        return answer
