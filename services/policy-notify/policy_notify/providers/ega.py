"""eGASMSGateway: the e-Government Agency's SMS gateway.

The request's body is `{"data": "<inner JSON as text>", "datetime": …}`; a header carries the
base64 HMAC-SHA256 of the inner text under the private key, which itself never travels.
"""

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from http import HTTPStatus
from typing import Any

from common.clock import utc_now
from common.http import HttpClient, NotSent, OutcomeUnknown
from common.settings import SettingError

from policy_notify.errors import MaybeTaken, NotTaken
from policy_notify.providers.base import Message

NAME = "eGASMSGateway"
GATEWAY_ZONE = timezone(timedelta(hours=3))
HEADER_KEYS = "X-Auth-Request-Hash,X-Auth-Request-Id,X-Auth-Request-Type"
HEADER_VALUES = "HashMessage1,UserId,RequestType"
#: Words of `HeaderValues` that mean the hash; the second one so that the key cannot leak.
HASH_WORDS = ("HashMessage1", "PrivateKey")
SETTING_WORDS = ("UserId", "RequestType")
REQUIRED = ("GateUrl", "SmsResource", "PrivateKey", "UserId", "SenderId", "ServiceId")
KNOWN = (*REQUIRED, "RequestType", "HeaderKeys", "HeaderValues")


@dataclass(frozen=True)
class EgaGateway:
    """The gateway with its settings; `values` are words of HeaderValues by header."""

    url: str
    private_key: str = field(repr=False)
    user_id: str
    sender_id: str
    service_id: str
    request_type: str
    values: Mapping[str, str]
    client: HttpClient
    now: Callable[[], datetime] = utc_now
    name: str = NAME
    is_repeatable: bool = False

    @staticmethod
    def is_set_up(given: Mapping[str, Any]) -> bool:
        """False for openIMIS's own default: every required key is there, and empty."""
        return not all(key in given and _is_blank(given, key) for key in REQUIRED)

    @classmethod
    def build(cls, given: Mapping[str, Any], client: HttpClient) -> "EgaGateway":
        """Read openIMIS's settings. Raises SettingError, which names the missing one."""
        for key in given:
            if key not in KNOWN:
                raise SettingError(f"PROVIDERS: {NAME} has no setting {key}")
        for key in REQUIRED:
            if _is_blank(given, key):
                raise SettingError(f"PROVIDERS: {NAME} needs {key}")
        keys = _words(given.get("HeaderKeys", HEADER_KEYS))
        values = _words(given.get("HeaderValues", HEADER_VALUES))
        if len(keys) != len(values):
            raise SettingError(f"PROVIDERS: {NAME} has {len(keys)} HeaderKeys, but other values")
        for word in values:
            if word not in (*HASH_WORDS, *SETTING_WORDS):
                known = ", ".join((*HASH_WORDS, *SETTING_WORDS))
                raise SettingError(f"PROVIDERS: {NAME}: HeaderValues knows {known}, not {word}")
        given = {**given, "RequestType": given.get("RequestType") or "api"}
        for key in SETTING_WORDS:
            if not re.fullmatch("[!-~]+", str(given[key])):
                raise SettingError(f"PROVIDERS: {NAME}: {key} cannot be sent in a header")
        return cls(
            url=f"{given['GateUrl']}{given['SmsResource']}",
            private_key=str(given["PrivateKey"]),
            user_id=str(given["UserId"]),
            sender_id=str(given["SenderId"]),
            service_id=str(given["ServiceId"]),
            request_type=str(given["RequestType"]),
            values=dict(zip(keys, values, strict=True)),
            client=client,
        )

    def request(self, recipient: str, text: str, now: datetime) -> tuple[str, dict[str, str]]:
        """Body and headers of the request that sends `text` to `recipient` at `now`. Pure."""
        moment = now.astimezone(GATEWAY_ZONE).strftime("%Y-%m-%d %H:%M:%S")
        inner = _compact(
            {
                "message": text,
                "datetime": moment,
                "sender_id": self.sender_id,
                "mobile_service_id": self.service_id,
                "recipients": recipient,
            }
        )
        words = dict.fromkeys(HASH_WORDS, self._hash(inner))
        words |= {"UserId": self.user_id, "RequestType": self.request_type}
        headers = {key: words[word] for key, word in self.values.items()}
        body = _compact({"data": inner, "datetime": moment})
        return body, {**headers, "Content-Type": "application/json"}

    def _hash(self, inner: str) -> str:
        digest = hmac.digest(self.private_key.encode(), inner.encode(), hashlib.sha256)
        return base64.b64encode(digest).decode()

    def send(self, message: Message) -> None:
        """Post it. Raises NotTaken when it was rejected, MaybeTaken when no answer came."""
        body, headers = self.request(message.recipient, message.text, self.now())
        try:
            answer = self.client.request("POST", self.url, data=body, headers=headers)
        except NotSent as exc:
            raise NotTaken(str(exc)) from exc
        except OutcomeUnknown as exc:
            raise MaybeTaken(str(exc)) from exc
        if answer.status_code != HTTPStatus.OK:
            raise NotTaken(f"the gateway answered {answer.status_code}")
        reason = why_not_taken(answer.content)
        if reason is not None:
            raise NotTaken(reason)


def _words(text: Any) -> list[str]:
    return [word.strip() for word in str(text).split(",") if word.strip()]


def _compact(value: Mapping[str, str]) -> str:
    return json.dumps(value, separators=(",", ":"))


def _is_blank(given: Mapping[str, Any], key: str) -> bool:
    return not str(given.get(key) or "").strip()


def why_not_taken(body: bytes) -> str | None:
    """Why an answer with status 200 is a failure all the same; None: the message was taken.

    A page that says "Maintenance" comes with 200, too: only a JSON object without a true `error`
    is the gateway's own word. Pure.
    """
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return "the gateway answered with something that is not JSON"
    if not isinstance(answer, dict):
        return "the gateway answered with something that is not a JSON object"
    return "the gateway answered with an error" if answer.get("error") else None
