"""Django's settings for it; the database is named by `OPENIMIS_DATABASE`."""

import os
from datetime import timedelta

from .openimisapps import MODULES, openimis_apps

#: Mutations are made in the request: a test sees what became of them.
os.environ.setdefault("ASYNC", "no")
SECRET_KEY = "of a database that lives for one test"
DEBUG = False
MODE = "dev"
IS_TESTING = True
MSSQL = False
ROW_SECURITY = False
ALLOWED_HOSTS = ["*"]
USE_TZ = False
TIME_ZONE = "Africa/Dar_es_Salaam"
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("fr", "French"), ("sw", "Swahili")]
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
AUTH_USER_MODEL = "core.User"
ROOT_URLCONF = "openIMIS.urls"
FRONTEND_URL = "http://127.0.0.1/front"
STATIC_URL = "/static/"
MEDIA_ROOT = os.environ.get("OPENIMIS_FILES", "/nonexistent")
EMAIL_HOST_USER = ""

OPENIMIS_APPS = openimis_apps()
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "graphene_django",
    "graphql_jwt.refresh_token.apps.RefreshTokenConfig",
    "rest_framework",
    "django_apscheduler",
    "channels",
    "drf_spectacular",
    "simple_history",
    "axes",
    *OPENIMIS_APPS,
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": "127.0.0.1",
        "PORT": "5432",
        "USER": "postgres",
        "NAME": os.environ.get("OPENIMIS_DATABASE", "openimis"),
    }
}
DB_DEFAULT = "default"
_CACHE = {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
CACHES = dict.fromkeys(("default", "location", "coverage"), _CACHE)
CACHE_OBJECT_TTL = 0
CACHE_OBJECT_DEFAULT = False
#: Tables come from the models: openIMIS's first migrations expect those of its own dump.
MIGRATION_MODULES = dict.fromkeys(
    (
        "admin",
        "auth",
        "axes",
        "contenttypes",
        "django_apscheduler",
        "refresh_token",
        "sessions",
        *MODULES,
        # Those of openIMIS's own module are written for SQL Server.
        "policy_notification",
    )
)
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "graphql_jwt.backends.JSONWebTokenBackend",
    "django.contrib.auth.backends.ModelBackend",
]
GRAPHENE = {"SCHEMA": "openIMIS.schema.schema", "RELAY_CONNECTION_MAX_LIMIT": 100}
GRAPHQL_JWT = {
    "JWT_VERIFY_EXPIRATION": True,
    "JWT_EXPIRATION_DELTA": timedelta(days=1),
    "JWT_AUTH_HEADER_PREFIX": "Bearer",
    "JWT_ENCODE_HANDLER": "core.jwt.jwt_encode_user_key",
    "JWT_DECODE_HANDLER": "core.jwt.jwt_decode_user_key",
}
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "core.jwt_authentication.JWTAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ]
}
SCHEDULER_CONFIG: dict[str, object] = {}
SCHEDULER_JOBS: list[object] = []
SCHEDULER_CUSTOM: list[object] = []
SCHEDULER_AUTOSTART = False
PASSWORD_MIN_LENGTH = 8
PASSWORD_UPPERCASE = PASSWORD_LOWERCASE = PASSWORD_DIGITS = PASSWORD_SYMBOLS = 0
RATELIMIT_CACHE = "default"
RATELIMIT_KEY, RATELIMIT_RATE, RATELIMIT_GROUP = "ip", "10000/m", "graphql"
AXES_ENABLED = False
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=5)


def SITE_ROOT() -> str:
    """Where the backend is mounted."""
    return "api/"
