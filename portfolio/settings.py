"""Settings. Everything that differs between installations comes from the environment (see README)."""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import global_settings
from django.utils.csp import CSP
from environs import Env

from portfolio.addresses import database_at
from portfolio.secrets import keep_private, local_endpoint_key, local_secret_key

BASE_DIR = Path(__file__).resolve().parent.parent

env = Env()
env.read_env(str(BASE_DIR / ".env"), recurse=False)

DATA_DIR = Path(env.str("DATA_DIR", str(BASE_DIR / "var")))
DATA_DIR.mkdir(parents=True, exist_ok=True)

# Where people reach the site. An https address switches on everything that only makes sense with TLS.
SITE_URL = env.str("SITE_URL", "http://127.0.0.1:8000").rstrip("/")
_site = urlsplit(SITE_URL)
HTTPS = _site.scheme == "https"
LOCAL = _site.hostname in {"127.0.0.1", "localhost", "::1"}

DEBUG = env.bool("DEBUG", False)
SECRET_KEY = env.str("SECRET_KEY", "") or local_secret_key(DATA_DIR)
SECRET_KEY_FALLBACKS: list[str] = env.list("SECRET_KEY_FALLBACKS", [])
# The first key encrypts, all of them decrypt: put a new one in front to rotate.
ENDPOINT_KEYS = env.list("ENDPOINT_KEYS", []) or [local_endpoint_key(DATA_DIR)]
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", []) or [
    _site.hostname or "localhost",
    "127.0.0.1",
    "localhost",
    "[::1]",
]
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", [SITE_URL])

# Hosts a model endpoint may have although they are not public (a local Ollama, say): "host" or "host:port".
PRIVATE_ENDPOINT_HOSTS = env.list(
    "PRIVATE_ENDPOINT_HOSTS", ["127.0.0.1", "localhost", "::1"] if LOCAL else []
)
# Accounts of the people who run this server: their pages say so (see "evidence levels").
OPERATOR_HANDLES: list[str] = env.list("OPERATOR_HANDLES", [])
SIGNUP_OPEN = env.bool("SIGNUP_OPEN", True)

INSTALLED_APPS = [
    "prompts_app",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.github",
    "django_htmx",
    "huey.contrib.djhuey",
]

MIDDLEWARE = [
    "prompts_app.views.proxy.knows_its_visitors",
    "prompts_app.views.errors.asked_again",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "prompts_app.views.public.public_page.kept_where_it_is_said",
    "django.middleware.gzip.GZipMiddleware",
    "django.middleware.csp.ContentSecurityPolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "prompts_app.views.reading.masked_for_its_reader",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "prompts_app.views.errors.Refusals",
]

ROOT_URLCONF = "portfolio.urls"
WSGI_APPLICATION = "portfolio.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {
            "loaders": [
                (
                    "django.template.loaders.cached.Loader",
                    ["portfolio.template_loader.Loader", "django.template.loaders.app_directories.Loader"],
                ),
            ],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "prompts_app.views.context.site",
            ],
        },
    },
]

# --- database ---
_database = database_at(
    env.str("DATABASE_URL", "") or f"sqlite:///{DATA_DIR / 'proofsheet.sqlite3'}",
    sqlite_timeout_s=env.float("SQLITE_TIMEOUT_S", 20.0),
)
if _database["ENGINE"] == "django.db.backends.sqlite3":
    # A file, not memory: tests start real workers in other processes on the same database.
    _database["TEST"] = {"NAME": str(DATA_DIR / "test.sqlite3")}
DATABASES = {"default": _database}

# Limits and used codes count in all web processes together: the default cache is in the database, or in a
# Redis. Cards, which are made again where they are missing, do not go into the database. Pages go into
# neither: whoever asks for enough addresses would fill a Redis, and with it what counts the tries at
# passwords. Addresses with a query are without number: they have a smaller room of their own.
CACHE_TABLE = "proofsheet_cache"
PAGES_MB: int = env.int("PAGES_MB", 16)  # of each web process
CACHES: dict[str, dict[str, Any]]
if env.str("CACHE_URL", ""):
    CACHES = {name: env.dj_cache_url("CACHE_URL") for name in ("default", "cards")}
else:
    CACHES = {
        "default": {
            "BACKEND": "portfolio.cache.SharedCache",
            "LOCATION": CACHE_TABLE,
            "OPTIONS": {"MAX_ENTRIES": 1000},  # above it, entries that ran out are dropped at each new one
        },
        "cards": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
    }
CACHES |= {
    name: {
        "BACKEND": "portfolio.cache.BoundedMemory",
        "LOCATION": name,
        "OPTIONS": {"MAX_BYTES": PAGES_MB * 1024 * 1024 // share},
    }
    for name, share in {"pages": 1, "pages_of_queries": 4}.items()
}
CACHES["default"]["KEY_FUNCTION"] = "portfolio.cache.hidden"

# Threads of each web process: most of them wait, for a lock, a disk, or their turn to hash a password.
WEB_THREADS: int = env.int("WEB_THREADS", 24)
# Who has not sent a whole request after so many seconds is let go of: see portfolio.slow_clients.
REQUEST_WITHIN_S: float = env.float("REQUEST_WITHIN_S", 30.0)

# --- background work: code enqueues through django.tasks only; the queue is one setting ---
TASKS = {"default": {"BACKEND": env.str("TASKS_BACKEND", "huey.contrib.djhuey.tasks_backend.HueyBackend")}}
_queue_url = env.str("QUEUE_URL", "")
HUEY: dict[str, Any] = {
    "name": "proofsheet",
    "immediate": False,
    "consumer": {
        "workers": env.int("WORKERS", 4),
        "worker_type": "thread",
        "check_worker_health": True,
        "max_delay": 1.0,  # between two looks at an empty queue
        "shutdown_timeout": 7.5,  # see actions.runs.stopping
    },
}
if _queue_url.startswith("redis"):
    HUEY |= {"huey_class": "portfolio.queue.RedisQueue", "url": _queue_url}
else:
    HUEY |= {
        "huey_class": "portfolio.queue.SqliteQueue",
        "filename": str(keep_private(DATA_DIR / "queue.sqlite3")),
        "timeout": 20,
    }

# --- runs ---
ENDPOINT_CONCURRENCY: int = env.int("ENDPOINT_CONCURRENCY", 8)  # calls at once to one endpoint
CALL_DEADLINE_S: float = env.float("CALL_DEADLINE_S", 600.0)  # the most an endpoint may give an attempt
# A run whose worker vanished is free again after this many seconds; the next worker takes it up.
RUN_LEASE_S: float = env.float("RUN_LEASE_S", 25.0)

# --- people ---
AUTH_USER_MODEL = "prompts_app.User"
AUTHENTICATION_BACKENDS = [
    "prompts_app.forms.adapters.AccountBackend",
    # No password reaches these; browsers that signed in through them stay signed in.
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
PASSWORD_HASHERS = ["portfolio.hashing.InTurn", *global_settings.PASSWORD_HASHERS]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "studio"
ACCOUNT_LOGOUT_REDIRECT_URL = "home"
ACCOUNT_ADAPTER = "prompts_app.forms.adapters.AccountAdapter"
ACCOUNT_FORMS = {
    "signup": "prompts_app.forms.accounts.SignupForm",
    "login": "prompts_app.forms.accounts.LoginForm",
    "reset_password": "prompts_app.forms.accounts.ResetPasswordForm",
    "reset_password_from_key": "prompts_app.forms.accounts.ResetPasswordKeyForm",
    "change_password": "prompts_app.forms.accounts.ChangePasswordForm",
    "set_password": "prompts_app.forms.accounts.SetPasswordForm",
    "add_email": "prompts_app.forms.accounts.AddEmailForm",
    "reauthenticate": "prompts_app.forms.accounts.ReauthenticateForm",
}
ACCOUNT_LOGIN_METHODS = {"email", "username"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "username*", "password1*"]
ACCOUNT_USERNAME_MIN_LENGTH = 3
ACCOUNT_PRESERVE_USERNAME_CASING = False
ACCOUNT_USERNAME_VALIDATORS = "prompts_app.models.people.handle_validators"
# With a mail server, an account is its owner's once the address is confirmed. Without one nothing can be.
EMAIL_SERVER = env.str("EMAIL_HOST", "")
ACCOUNT_EMAIL_VERIFICATION = env.str("EMAIL_VERIFICATION", "mandatory" if EMAIL_SERVER else "optional")
ACCOUNT_CHANGE_EMAIL = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = "Proofsheet: "
ACCOUNT_DEFAULT_HTTP_PROTOCOL = _site.scheme
ACCOUNT_PREVENT_ENUMERATION = "strict"  # an address somebody only gave keeps nobody else from it
ACCOUNT_REAUTHENTICATION_REQUIRED = True
# Most of allauth's own limits stay. Keys are hashed.
ACCOUNT_RATE_LIMITS = {
    # Mails to one address. Not one in three minutes: whoever gave somebody's address as theirs would keep the
    # mail from them that lets them sign up.
    "confirm_email": "5/10m/key",
    "blind_vote": "60/h/key",  # by network: views.public.blind
    # Of share links, by link and network; wrong ones by link; after so many of those, by link and network.
    "passphrase": "10/m/key",
    "passphrase_wrong": "100/h/key",
    "passphrase_besieged": "3/h/key",
}
ACCOUNT_EMAIL_NOTIFICATIONS = True  # a changed password or address is told to its owner
MFA_ADAPTER = "prompts_app.forms.adapters.MFAAdapter"
MFA_FORMS = {
    "authenticate": "prompts_app.forms.accounts.CodeForm",
    "reauthenticate": "prompts_app.forms.accounts.ReauthenticateCodeForm",
    "activate_totp": "prompts_app.forms.accounts.ActivateTOTPForm",
    "login_webauthn": "prompts_app.forms.accounts.LoginPasskeyForm",
    "authenticate_webauthn": "prompts_app.forms.accounts.PasskeyForm",
    "reauthenticate_webauthn": "prompts_app.forms.accounts.ReauthenticatePasskeyForm",
    "add_webauthn": "prompts_app.forms.accounts.AddPasskeyForm",
    "edit_webauthn": "prompts_app.forms.accounts.EditPasskeyForm",
}
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = "Proofsheet"
# Browsers allow passkeys on http only for localhost; the library has to be told so.
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = LOCAL
GITHUB_CLIENT_ID = env.str("GITHUB_CLIENT_ID", "")
SOCIALACCOUNT_ADAPTER = "prompts_app.forms.adapters.SocialAccountAdapter"
SOCIALACCOUNT_FORMS = {"signup": "prompts_app.forms.accounts.SocialSignupForm"}
SOCIALACCOUNT_AUTO_SIGNUP = False  # the handle is chosen, never taken over unasked
SOCIALACCOUNT_PROVIDERS = (
    {
        "github": {
            "APPS": [{"client_id": GITHUB_CLIENT_ID, "secret": env.str("GITHUB_CLIENT_SECRET", "")}],
            "SCOPE": ["read:user", "user:email"],
        }
    }
    if GITHUB_CLIENT_ID
    else {}
)

# --- mail: to the console until EMAIL_HOST names a server ---
MAILERS: dict[str, dict[str, Any]] = {
    "default": {
        "BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "OPTIONS": {
            "host": EMAIL_SERVER,
            "port": env.int("EMAIL_PORT", 587),
            "username": env.str("EMAIL_USER", ""),
            "password": env.str("EMAIL_PASSWORD", ""),
            "use_tls": env.bool("EMAIL_TLS", True),
            "timeout": 10,  # seconds; see actions.accounts.mail
        },
    }
    if EMAIL_SERVER
    else {"BACKEND": "django.core.mail.backends.console.EmailBackend"}
}
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", f"Proofsheet <noreply@{_site.hostname}>")
SERVER_EMAIL = DEFAULT_FROM_EMAIL

# --- security ---
_form_action = [CSP.SELF, *(["https://github.com"] if GITHUB_CLIENT_ID else [])]  # its login is a redirect
SECURE_CSP: dict[str, list[str]] = {
    "default-src": [CSP.NONE],
    "script-src": [CSP.SELF],
    "style-src": [CSP.SELF],
    "img-src": [CSP.SELF, "data:"],
    "font-src": [CSP.NONE],
    "connect-src": [CSP.SELF],
    "form-action": _form_action,
    "base-uri": [CSP.NONE],
    "frame-ancestors": [CSP.NONE],
    "object-src": [CSP.NONE],
    "manifest-src": [CSP.SELF],
}
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_NAME = "__Host-sessionid" if HTTPS else "sessionid"
CSRF_COOKIE_NAME = "__Host-csrftoken" if HTTPS else "csrftoken"
CSRF_FAILURE_VIEW = "prompts_app.views.errors.csrf_failure"
SECURE_SSL_REDIRECT = HTTPS and env.bool("SSL_REDIRECT", True)
SECURE_REDIRECT_EXEMPT = [r"^(?:healthz|readyz)$"]
SECURE_HSTS_SECONDS = env.int("HSTS_SECONDS", 31_536_000) if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
BEHIND_PROXY = env.bool("BEHIND_PROXY", False)
if BEHIND_PROXY:
    # Else every visitor has the proxy's address, and one guesser's rate limit shuts the door on all.
    ALLAUTH_TRUSTED_PROXY_COUNT = 1
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
# One form may carry a long prompt and many cases, but not without end.
DATA_UPLOAD_MAX_MEMORY_SIZE = 12 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 5000
FILE_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024

# --- language, files, logs ---
LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_I18N = False
USE_TZ = True
STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
STATIC_ROOT.mkdir(exist_ok=True)  # so that a start before collectstatic has nothing to complain about
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES: dict[str, Any] = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}

LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": env.str("LOG_LEVEL", "WARNING")},
    # Django's own logger starts at INFO, where it tells of every task.
    "loggers": {"django": {"level": env.str("LOG_LEVEL", "WARNING")}},
}
