"""One settings file for every place Playhead runs; what differs comes from ``env``."""

from __future__ import annotations

from csp.constants import NONE, SELF

from apps.core.patience import PatientConnection
from config import env

# Project

BASE_DIR = env.BASE_DIR
DATA_DIR = env.data_folder()
DEBUG = env.flag("PLAYHEAD_DEBUG", default=False)
SECRET_KEY = env.secret("PLAYHEAD_SECRET_KEY")
# 32 random bytes, base64. Wraps every project's key; without it nothing recorded can be read.
PLAYHEAD_MASTER_KEY = env.secret("PLAYHEAD_MASTER_KEY")
# Where people reach this server; links in mails and the setup page use it.
PLAYHEAD_URL = env.text("PLAYHEAD_URL", "http://127.0.0.1:8000").rstrip("/")
# The address the web server binds. Plain HTTP is for loopback only.
PLAYHEAD_HOST = env.text("PLAYHEAD_HOST", "127.0.0.1")
ALLOWED_HOSTS = env.words("PLAYHEAD_ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
# Reverse proxies in front whose X-Forwarded-For is believed.
PLAYHEAD_TRUSTED_PROXIES = env.number("PLAYHEAD_TRUSTED_PROXIES", 0)

ROOT_URLCONF = "config.urls"
ASGI_APPLICATION = "config.asgi.application"
WSGI_APPLICATION = "config.wsgi.application"
LANGUAGE_CODE = "en-us"
USE_I18N = False
TIME_ZONE = "UTC"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Apps

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "guardian",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "template_partials",
    "csp",
    "apps.core",
    "apps.audit",
    "apps.accounts",
    "apps.tenants",
    "apps.governance",
    "apps.providers",
    "apps.prompts",
    "apps.sessions",
    "apps.annotations",
    "apps.tickets",
    "apps.replays",
    "apps.ingest",
    "apps.web",
]

MIDDLEWARE = [
    "apps.core.middleware.RequestIdMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "apps.core.middleware.DomainErrorMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "apps.web.context.shell",
            ],
        },
    }
]

# Database. The web server and workers are `playhead_app`, which owns nothing; only the
# commands named in manage.py connect as the owner.

IS_OWNER = env.text("PLAYHEAD_DATABASE_ROLE", "app") == "owner"
DATABASES = {
    "default": env.database(env.secret("DATABASE_OWNER_URL" if IS_OWNER else "DATABASE_URL"))
    | {
        # A connection age leaks one backend per request under ASGI; the pool does not.
        "CONN_MAX_AGE": 0,
        "CONN_HEALTH_CHECKS": True,
        "ATOMIC_REQUESTS": False,
    }
}
# Django switches prepared statements off; the record's own statements ask for them, and
# planning over partitions is most of what a small append costs.
DATABASES["default"]["OPTIONS"]["prepare_threshold"] = 5  # type: ignore[index]
# The record's statements are prepared and their plans do not depend on the values; planning
# them again, or compiling them, costs more than running them.
DATABASES["default"]["OPTIONS"].setdefault(  # type: ignore[attr-defined]
    # A server process whose client has given up waiting stops waiting as well.
    "options",
    "-c plan_cache_mode=force_generic_plan -c jit=off -c client_connection_check_interval=2000",
)
DATABASES["default"]["OPTIONS"].setdefault("connect_timeout", 5)  # type: ignore[attr-defined]
# Connections each process keeps; 0 opens one for each request.
if pool_size := env.number("PLAYHEAD_DATABASE_POOL", 0 if IS_OWNER else 10):
    DATABASES["default"]["OPTIONS"]["pool"] = {  # type: ignore[index]
        "min_size": 1,
        "max_size": pool_size,
        # For a connection; whoever waits longer is told to come again.
        "timeout": 4,
        "connection_class": PatientConnection,
        # Tries come ever more slowly; starting over keeps the pool quick after an outage.
        "reconnect_timeout": 4,
    }

REDIS_URL = env.secret("REDIS_URL")
# One that hangs is as good as away, and nobody waits for it.
REDIS_PATIENCE = {"socket_timeout": 2, "socket_connect_timeout": 2}
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "playhead",
        "OPTIONS": REDIS_PATIENCE,
    }
}

# Auth

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "allauth.account.auth_backends.AuthenticationBackend",
    "guardian.backends.ObjectPermissionBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 10},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.ScryptPasswordHasher"]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "apps.accounts.adapter.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = env.text("PLAYHEAD_EMAIL_VERIFICATION", "mandatory")
ACCOUNT_EMAIL_SUBJECT_PREFIX = "[Playhead] "
# A new address takes the old one's place once it is confirmed, after the password was asked.
ACCOUNT_CHANGE_EMAIL = True
ACCOUNT_REAUTHENTICATION_REQUIRED = True
# People are told by mail of a change to their password or address.
ACCOUNT_EMAIL_NOTIFICATIONS = True
# Sign-up says the same whether or not the address is known.
ACCOUNT_PREVENT_ENUMERATION = True
# People who sign themselves up; switch off where accounts come from an administrator.
PLAYHEAD_SIGNUP = env.flag("PLAYHEAD_SIGNUP", default=True)
ALLAUTH_TRUSTED_PROXY_COUNT = PLAYHEAD_TRUSTED_PROXIES
GUARDIAN_RAISE_403 = False
ANONYMOUS_USER_NAME = None

# Security

IS_PLAIN_HTTP = PLAYHEAD_URL.startswith("http://")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not IS_PLAIN_HTTP
# The __Host- prefix needs Secure, so it is for HTTPS only.
SESSION_COOKIE_NAME = "playhead_session" if IS_PLAIN_HTTP else "__Host-playhead_session"
CSRF_COOKIE_NAME = "playhead_csrf" if IS_PLAIN_HTTP else "__Host-playhead_csrf"
SESSION_COOKIE_AGE = 14 * 24 * 3600
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
CSRF_TRUSTED_ORIGINS = [PLAYHEAD_URL]
SECURE_SSL_REDIRECT = not IS_PLAIN_HTTP
SECURE_REDIRECT_EXEMPT = [r"^health/"]
SECURE_HSTS_SECONDS = 0 if IS_PLAIN_HTTP else 31_536_000
SECURE_HSTS_INCLUDE_SUBDOMAINS = not IS_PLAIN_HTTP
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
if PLAYHEAD_TRUSTED_PROXIES:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "worker-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    }
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 20 * 1024 * 1024

# Static files

STATIC_URL = "/static/"
STATIC_ROOT = env.text("PLAYHEAD_STATIC_ROOT", str(BASE_DIR / "staticfiles"))
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "apps.core.staticfiles.HashedStaticFilesStorage"},
}

# E-mail. On a laptop mails are printed on the console.

EMAIL_BACKEND = env.text("PLAYHEAD_EMAIL_BACKEND", "django.core.mail.backends.console.EmailBackend")
EMAIL_HOST = env.text("PLAYHEAD_EMAIL_HOST", "localhost")
EMAIL_PORT = env.number("PLAYHEAD_EMAIL_PORT", 587)
EMAIL_HOST_USER = env.text("PLAYHEAD_EMAIL_USER", "")
EMAIL_HOST_PASSWORD = env.secret("PLAYHEAD_EMAIL_PASSWORD", "")
EMAIL_USE_TLS = env.flag("PLAYHEAD_EMAIL_TLS", default=True)
DEFAULT_FROM_EMAIL = env.text("PLAYHEAD_EMAIL_FROM", "playhead@localhost")

# Celery. Messages carry ids only; work that must not be lost is a row first.

CELERY_BROKER_URL = REDIS_URL.replace("unix://", "redis+socket://", 1).replace(
    "?db=", "?virtual_host="
)
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_SOFT_TIME_LIMIT = 540
CELERY_TASK_TIME_LIMIT = 600
CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 3600, **REDIS_PATIENCE}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_DEFAULT_QUEUE = "ingest"
# Apart, so that no import waits for a model.
CELERY_TASK_ROUTES = {
    # Apart from calls of models: it loads numpy and scipy, and its process may be recycled.
    "replays.judge_run": {"queue": "analysis"},
    "replays.*": {"queue": "replay"},
}
# Calls of models that one worker makes side by side: mostly, it waits.
REPLAY_THREADS = env.number("PLAYHEAD_REPLAY_THREADS", 8)
# Trials of one run of a suite that are under way at the same time, over all workers.
REPLAY_TRIALS = env.number("PLAYHEAD_REPLAY_TRIALS", 32)
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE = {
    "close idle sessions": {"task": "sessions.sweep_idle", "schedule": 60.0},
    # Short runs, between which other work gets its turn.
    "compact sessions": {
        "task": "sessions.sweep_compaction",
        "schedule": 30.0,
        "options": {"expires": 30.0},
    },
    "find versions of agents": {
        "task": "sessions.sweep_agents",
        "schedule": 60.0,
        "options": {"expires": 60.0},
    },
    "find versions of agents left out": {"task": "sessions.sweep_all_agents", "schedule": 3_600.0},
    "forget saved views": {"task": "sessions.sweep_views", "schedule": 86_400.0},
    "settle lost calls of models": {"task": "providers.sweep", "schedule": 60.0},
    "start scheduled runs": {"task": "replays.fire_schedules", "schedule": 30.0},
    "go on with replays": {"task": "replays.sweep_work", "schedule": 30.0},
    "go on with runs of suites": {"task": "replays.sweep_runs", "schedule": 30.0},
    "link replays to what came after them": {"task": "replays.sweep_links", "schedule": 60.0},
    "forget answers to repeated requests": {"task": "tenants.sweep_answers", "schedule": 3_600.0},
    "erase removed demo projects": {"task": "web.sweep_demos", "schedule": 60.0},
    "go on with imports": {"task": "ingest.sweep_imports", "schedule": 3.0},
    "forget old accounts of ingest": {"task": "ingest.sweep_history", "schedule": 86_400.0},
}

# API

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "apps.tenants.authentication.ApiKeyAuthentication",
        "apps.tenants.authentication.BrowserSessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["apps.core.api.OrjsonRenderer"],
    "DEFAULT_PARSER_CLASSES": ["apps.core.parsers.PackedJSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "apps.core.api.problem_handler",
    "UNAUTHENTICATED_USER": None,
    "COERCE_DECIMAL_TO_STRING": True,
    "DATETIME_FORMAT": "%Y-%m-%dT%H:%M:%S.%fZ",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Playhead",
    "DESCRIPTION": "Record, read and replay AI sessions.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "OAS_VERSION": "3.1.0",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
    # Without the hook that gives choices names of their own: equal names of fields collide.
    "POSTPROCESSING_HOOKS": ["apps.core.openapi.add_problems"],
}

# Product

# A session with no event for this long is closed; a late event opens it again.
PLAYHEAD_CLOSE_AFTER_MINUTES = env.number("PLAYHEAD_CLOSE_AFTER_MINUTES", 30)
# What a project may send unless its own settings say otherwise; 0 is as much as comes.
PLAYHEAD_EVENTS_PER_MINUTE = env.number("PLAYHEAD_EVENTS_PER_MINUTE", 0)
PLAYHEAD_EVENTS_PER_MONTH = env.number("PLAYHEAD_EVENTS_PER_MONTH", 0)
# How long any request waits for the answer to one statement; a server may hang for ever.
PLAYHEAD_PATIENCE_SECONDS = env.number("PLAYHEAD_PATIENCE_SECONDS", 20)
# How long a request that sends something waits for the answer to one statement.
PLAYHEAD_INGEST_PATIENCE_SECONDS = env.number("PLAYHEAD_INGEST_PATIENCE_SECONDS", 5)
# How long the account of what came in is kept. The running month always is.
PLAYHEAD_INGEST_HISTORY_DAYS = env.number("PLAYHEAD_INGEST_HISTORY_DAYS", 90)
# How long your backups are kept, for the receipts of erasures; 0 says that it is not known.
PLAYHEAD_BACKUP_DAYS = env.number("PLAYHEAD_BACKUP_DAYS", 0)
# Hosts of your own network, as host:port, that projects may name as providers: by plain HTTP,
# too, and whatever their address is. Everything else must be on the public internet.
PLAYHEAD_OUTBOUND_ALLOW = [place.lower() for place in env.words("PLAYHEAD_OUTBOUND_ALLOW")]

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": env.text("PLAYHEAD_LOG_LEVEL", "INFO")},
    # It writes the address of every call, which is a tenant's.
    "loggers": {"httpx2": {"level": "WARNING"}},
}
