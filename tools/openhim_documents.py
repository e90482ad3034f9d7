"""Documents in the shapes that OpenHIM's institutions publish, without anything of theirs."""

import hashlib
from typing import Any

#: What a console of OpenHIM writes beside what somebody typed.
USUAL: dict[str, Any] = {
    "type": "http",
    "whitelist": [],
    "authType": "private",
    "matchContentTypes": [],
    "properties": [],
    "txViewAcl": [],
    "txViewFullAcl": [],
    "txRerunAcl": [],
    "status": "enabled",
    "rewriteUrls": False,
    "addAutoRewriteRules": True,
    "autoRetryEnabled": False,
    "autoRetryPeriodMinutes": 60,
    "requestBody": True,
    "responseBody": True,
    "alerts": [],
    "rewriteUrlsConfig": [],
    "matchContentRegex": None,
    "matchContentXpath": None,
    "matchContentValue": None,
    "matchContentJson": None,
    "pollingSchedule": None,
    "tcpHost": None,
    "tcpPort": None,
}


def a_route(**changes: Any) -> dict[str, Any]:
    """A primary route."""
    return {
        "type": "http",
        "status": "enabled",
        "forwardAuthHeader": False,
        "name": "Registry route",
        "secured": False,
        "host": "registry",
        "port": 3000,
        "path": "",
        "pathTransform": "",
        "primary": True,
        "username": "",
        "password": "",
        **changes,
    }


def a_channel(**changes: Any) -> dict[str, Any]:
    """A channel as a console exports it."""
    return {
        **USUAL,
        "name": "Registry",
        "description": "Patients of the registry",
        "urlPattern": "^/registry/.*$",
        "methods": ["GET", "POST"],
        "allow": ["lab"],
        "priority": 2,
        "routes": [a_route()],
        **changes,
    }


def a_mediator(**changes: Any) -> dict[str, Any]:
    """A registration."""
    return {
        "urn": "urn:mediator:registry",
        "version": "1.0.0",
        "name": "Registry mediator",
        "description": "Answers for the registry",
        "defaultChannelConfig": [a_channel()],
        "endpoints": [
            {
                "name": "Registry",
                "host": "registry",
                "path": "/",
                "port": "3000",
                "primary": True,
                "type": "http",
            }
        ],
        "configDefs": [
            {"param": "url", "displayName": "URL", "type": "string"},
            {"param": "code", "displayName": "Code", "type": "password"},
        ],
        "config": {"url": "http://there", "code": "hush-hush"},
        **changes,
    }


def sha512(text: str) -> str:
    """As OpenHIM hashes."""
    return hashlib.sha512(text.encode()).hexdigest()


def a_client(password: str = "", **changes: Any) -> dict[str, Any]:
    """A client; with a password as OpenHIM keeps it."""
    hashed = {
        "passwordAlgorithm": "sha512",
        "passwordSalt": "5a17",
        "passwordHash": sha512(f"{password}5a17"),
    }
    return {
        "clientID": "lab-system",
        "name": "Laboratory",
        "roles": ["lab"],
        **(hashed if password else {}),
        **changes,
    }


def a_user(password: str = "", **changes: Any) -> dict[str, Any]:
    """A user of OpenHIM's console."""
    return {
        "provider": "token",
        "groups": ["admin"],
        "firstname": "Super",
        "surname": "User",
        "email": "head@example.org",
        "passwordAlgorithm": "sha512" if password else None,
        "passwordHash": sha512(f"5a17{password}") if password else None,
        "passwordSalt": "5a17" if password else None,
        "expiry": None,
        "locked": False,
        "settings": {"visualizer": {"data": {"channels": []}}},
        "token": None,
        "tokenType": None,
        **changes,
    }


def an_export(**changes: Any) -> dict[str, Any]:
    """Everything that an export may hold."""
    return {
        "Users": [a_user("a password of before")],
        "Clients": [a_client("chosen long ago")],
        "Channels": [a_channel()],
        "Mediators": [a_mediator()],
        "ContactGroups": [],
        **changes,
    }


def exports() -> dict[str, Any]:
    """Exports in the shapes that are published, by what is particular of each."""
    short = {"methods": ["GET"], "name": "Short", "urlPattern": "^/short.*$", "type": "http"}
    short_route = {"name": "API", "host": "api", "port": "80", "type": "http", "primary": True}
    public = {"authType": "public"}
    all_methods = ["GET", "POST", "DELETE", "PUT", "OPTIONS", "HEAD", "TRACE", "CONNECT", "PATCH"]
    return {
        "everything": an_export(),
        "a list with one": [an_export()],
        "channels alone": {"Channels": [a_channel(priority=None)]},
        "no channels": an_export(Channels=[], Clients=[a_client(customTokenID="test")]),
        "passports": an_export(
            Users=[a_user()],
            Passports=[
                {"protocol": "local", "email": "head@example.org", "password": "REDACTED"},
                {
                    "protocol": "token",
                    "email": "head@example.org",
                    "passwordAlgorithm": "sha512",
                    "passwordSalt": "5a17",
                    "passwordHash": sha512("5a17a password of before"),
                },
            ],
        ),
        "short channels": {"Channels": [{**short, "routes": [short_route], "allow": ["lab"]}]},
        "rewriting": {
            "Channels": [
                a_channel(routes=[a_route(pathTransform="s/registry\\/fhir/fhir/g")]),
                a_channel(
                    name="Fixed",
                    urlPattern="^/fixed$",
                    routes=[a_route(path="/api/Patient/get", username="u", password="p-w-d")],  # noqa: S106
                ),
            ]
        },
        "public": {"Channels": [a_channel(**public, allow=["lab"], methods=all_methods)]},
        "patterns": {
            "Channels": [a_channel(urlPattern="/lis/.*"), a_channel(name="All", urlPattern="$")]
        },
        "one pattern by method": {
            "Channels": [
                a_channel(name="Read", methods=["GET"], urlPattern="^/ig.*$"),
                a_channel(
                    name="Write",
                    methods=["POST"],
                    urlPattern="^/ig.*$",
                    routes=[a_route(host="writer")],
                ),
            ]
        },
        "placeholders": an_export(Clients=[a_client(customTokenID="{{TOKEN}}")], Users=[a_user()]),
        "other kinds": {
            "Channels": [
                a_channel(type="tcp", tcpHost="0.0.0.0", tcpPort=6000),  # noqa: S104 - a document
                a_channel(name="No port", type="tls"),
                a_channel(name="Polls", type="polling", pollingSchedule="* * * * *"),
                a_channel(name="Daily", type="polling", pollingSchedule="3 days"),
                a_channel(name="Kafka", routes=[a_route(type="kafka")]),
            ],
            "ContactGroups": [{"group": "night watch", "users": []}],
        },
        "secondary routes": {
            "Channels": [a_channel(routes=[a_route(), a_route(host="second", primary=False)])]
        },
    }
