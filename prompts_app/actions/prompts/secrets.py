"""Looking for what should not be shown to the world: keys, passwords, what belongs to a person.

The patterns are detect-secrets', run on text in memory, and some of our own for the keys that people
who write prompts have. Nothing found is stored, and nothing but a masked form of it leaves this module.
"""

import hmac
import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from itertools import batched, islice
from string import digits

from detect_secrets.filters.heuristic import is_potential_uuid, is_sequential_string
from detect_secrets.plugins import (
    aws,
    azure_storage_key,
    cloudant,
    discord,
    github_token,
    gitlab_token,
    ibm_cloud_iam,
    ibm_cos_hmac,
    mailchimp,
    npm,
    openai,
    pypi_token,
    sendgrid,
    slack,
    softlayer,
    square_oauth,
    stripe,
    telegram_token,
    twilio,
)
from detect_secrets.plugins.base import RegexBasedDetector
from django.conf import settings

from prompts_app.actions.prompts.personal import (
    CARD,
    EMAIL,
    IBAN,
    PERSONAL,
    PHONE,
    addresses,
    as_typed,
    card_numbers,
    ibans,
    phone_numbers,
)
from prompts_app.engine.json_texts import strings_in
from prompts_app.engine.types import Json
from prompts_app.models.texts import Text

MOST_PLACES = 5  # named per finding; the rest is counted
LONGEST_UUID = (
    40  # characters, with what stands before it; some keys have one behind a beginning of their own
)
READ_TOGETHER = 500  # strings
MOST_VALUES = 2_000  # of one kind in one text: whoever has so many is told of enough
_ESCAPED_IN_JSON = re.compile(r'["\\\x00-\x1f]')
_GAPS = re.compile(r"[\s().-]")  # so that an account's last digits are not a phone number too


@dataclass(frozen=True, slots=True)
class SecretFinding:
    """One value that looks like a secret, wherever it stands.

    ``masked`` can be shown; ``token`` says "this very value" in a form without giving it away.
    """

    kind: str
    masked: str
    token: str
    places: tuple[str, ...]
    count: int

    @property
    def is_personal(self) -> bool:
        """It belongs to somebody; it is a question whether it may be public, not whether it opens a door."""
        return self.kind in PERSONAL

    @property
    def more(self) -> int:
        """Places that are not named."""
        return self.count - len(self.places)


@dataclass(frozen=True, slots=True)
class _Detector:
    """``needs``: small letters of which one must be in the text at all, so that most texts cost nothing."""

    kind: str
    needs: tuple[str, ...]
    values: Callable[[str], Iterable[str]]


def find_secrets(texts: Iterable[Text]) -> list[SecretFinding]:
    """What looks like a secret in these texts, keys before what is personal. The same text is read once."""
    found: dict[str, tuple[str, list[str]]] = {}
    read: dict[str, list[tuple[str, str]]] = {}
    strings = ((text.where, string) for text in texts for string in _strings_to_read(text.value))
    for some in batched(strings, READ_TOGETHER):
        # Most words that a detector needs stand in none of them: looked for once, not in each.
        together = "\n".join(string for _, string in some).lower()
        detectors = [one for one in _detectors() if any(word in together for word in one.needs)]
        for where, string in some:
            if string not in read:
                read[string] = list(_look(string, detectors))
            for kind, value in read[string]:
                found.setdefault(value, (kind, []))[1].append(where)
    findings = [_finding(value, kind, places) for value, (kind, places) in found.items()]
    return sorted(findings, key=lambda finding: (finding.is_personal, finding.kind))


def _strings_to_read(value: Json) -> Iterator[str]:
    """JSON is read as it is written, where a name may say what its value is; and what is written otherwise
    there ("\\n", "\\/"), as the text that it means too."""
    if isinstance(value, str):
        yield value
        return
    yield json.dumps(value, ensure_ascii=False)
    yield from (text for text in strings_in(value) if _ESCAPED_IN_JSON.search(text))


def _finding(value: str, kind: str, places: list[str]) -> SecretFinding:
    distinct = tuple(dict.fromkeys(places))
    return SecretFinding(kind, mask(value), _token(value), distinct[:MOST_PLACES], len(distinct))


def mask(value: str) -> str:
    """Enough to find it again, too little to use it: "sk-…3f9a", "al…@example.net"."""
    name, at, domain = value.partition("@")
    if at and "." in domain and " " not in value and "://" not in value:
        return f"{name[:2]}…@{domain}"
    prefix = re.match(r"[A-Za-z]{2,5}[-_]", value)
    head = prefix[0] if prefix else value[:2]
    return f"{head}…{value[-4:]}" if len(value) >= 12 else f"{value[:1]}…"


def _token(value: str) -> str:
    return hmac.new(settings.SECRET_KEY.encode(), b"finding:" + value.encode(), sha256).hexdigest()[:20]


def _look(text: str, keys: Sequence[_Detector]) -> Iterator[tuple[str, str]]:
    """(kind, value) of everything suspicious, each value once, under the first kind that knows it."""
    seen: list[str] = []
    for read, detectors in ((text, keys), (as_typed(text), _PEOPLE)):
        lower = read.lower()
        for detector in detectors:
            if detector.needs and not any(word in lower for word in detector.needs):
                continue
            for value in islice(detector.values(read), MOST_VALUES):
                letters = _GAPS.sub("", value)
                if any(letters in known for known in seen) or (
                    detector.kind not in PERSONAL and _is_harmless(value)
                ):
                    continue
                seen.append(letters)
                yield detector.kind, value


def _is_harmless(value: str) -> bool:
    """Placeholders, and what documentation uses to mean "a key"."""
    letters = value.lower()
    return (
        len(set(letters)) < 5
        or is_sequential_string(value)
        or (len(value) <= LONGEST_UUID and is_potential_uuid(value))
        or any(word in letters for word in ("example", "your-", "your_", "xxxx", "{{", "****"))
    )


# --- the detectors ------------------------------------------------------------------------------------------

_PLUGINS: tuple[tuple[type[RegexBasedDetector], tuple[str, ...]], ...] = (
    (aws.AWSKeyDetector, ("a3t", "abia", "acca", "akia", "asia", "aws")),
    (azure_storage_key.AzureStorageKeyDetector, ("accountkey=",)),
    (github_token.GitHubTokenDetector, ("ghp_", "gho_", "ghu_", "ghs_", "ghr_")),
    (gitlab_token.GitLabTokenDetector, ("glpat-", "gldt-", "glft-", "glsoat-", "glrt-", "gr1348941", "glcbt-",
                                        "glimt-", "glptt-", "glagent-", "gloas-")),
    (openai.OpenAIDetector, ("t3blbkfj",)),
    (slack.SlackDetector, ("xox", "hooks.slack.com")),
    (stripe.StripeDetector, ("k_live_",)),
    (sendgrid.SendGridDetector, ("sg.",)),
    (pypi_token.PypiTokenDetector, ("pypi-age",)),
    (npm.NpmDetector, ("_authtoken",)),
    (square_oauth.SquareOAuthDetector, ("sq0csp-",)),
    (mailchimp.MailchimpDetector, ("-us1", "-us2", "-us3", "-us4", "-us5", "-us6", "-us7", "-us8", "-us9")),
    (discord.DiscordBotTokenDetector, ("discord",)),
    (telegram_token.TelegramBotTokenDetector, ("telegram", "bot")),
    (twilio.TwilioKeyDetector, ("twilio",)),
    (cloudant.CloudantDetector, ("cloudant",)),
    (softlayer.SoftlayerDetector, ("softlayer",)),
    (ibm_cloud_iam.IbmCloudIamDetector, ("ibm",)),
    (ibm_cos_hmac.IbmCosHmacDetector, ("secret",)),
)  # fmt: skip

# What the tokens of widely used services begin with.
_PREFIXES = (
    "github_pat_", "npm_", "pypi-", "ya29.", "whsec_", "dop_v1_", "doo_v1_", "shpat_", "shpca_", "shpss_",
    "tvly-", "lsv2_pt_", "lsv2_sk_", "pcsk_", "sbp_", "sb_secret_", "lin_api_", "ntn_", "figd_", "sntrys_",
    "sntryu_", "phx_", "dp.pt.", "dp.st.", "hvs.", "AGE-SECRET-KEY-1",
)  # fmt: skip
_PASSWORD_WORDS = (
    "passwort", "kennwort", "mot de passe", "contraseña", "senha", "wachtwoord", "hasło", "пароль", "密码",
    "密碼", "パスワード",
)  # fmt: skip

# Keys of model providers and what else is pasted into prompts. A group, where there is one, is the value.
_OWN: tuple[tuple[str, tuple[str, ...], str], ...] = (
    ("private key", ("private key",),
     r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----\s*[A-Za-z0-9+/=]{8,}"),
    # The library's pattern begins anew at each "eyJ" of one long word, so its work grew as the square of it.
    ("JSON Web Token", ("eyj",), r"(?<![\w-])eyJ[\w-]++=*+\.[\w-]++=*+(?:\.[\w-]*+)?"),
    ("API key", ("sk-", "rk-"), r"\b[sr]k-(?=[\w-]{0,40}\d)[A-Za-z0-9][A-Za-z0-9_-]{15,}"),
    ("API key", ("gsk_", "hf_", "r8_", "xai-", "pplx-", "nvapi-", "csk-", "tgp_", "fw_"),
     r"\b(?:gsk_|hf_|r8_|xai-|pplx-|nvapi-|csk-|tgp_v1_|fw_)(?=[\w-]{0,40}\d)[A-Za-z0-9_-]{20,}"),
    ("access token", tuple(prefix.lower() for prefix in _PREFIXES),
     rf"\b(?:{'|'.join(map(re.escape, _PREFIXES))})(?=[\w.-]{{0,60}}\d)[A-Za-z0-9_.-]{{20,}}"),
    ("access token", ("dapi", "sk_", "pa-", "pat"),
     r"\b(?:dapi[0-9a-f]{32}|sk_[0-9a-f]{40,}|pa-(?=[\w-]{0,40}\d)[A-Za-z0-9_-]{40,}|pat[A-Za-z0-9]{14}\.[0-9a-f]{64})\b"),
    ("Discord webhook", ("/api/webhooks/",), r"/api/webhooks/\d{15,20}/([\w-]{60,})"),
    ("Google API key", ("aiza",), r"\bAIza[A-Za-z0-9_-]{35}"),
    ("bearer token", ("bearer",), r"(?i)\bbearer\s+((?=[\w.~+/-]{0,60}\d)[\w.~+/-]{20,}=*)"),
    ("password in a header", ("basic",),
     r"(?i)authorization[\"']?\s{0,3}[:=]\s{0,3}[\"']?basic\s{1,3}([A-Za-z0-9+/]{12,}={0,2})"),
    ("password in an address", ("://",), r"://[^\s:/?#@]{1,80}:([^\s:/?#@]{3,120})@"),
    ("password or key",
     ("password", "passwd", "pwd", "api_key", "api-key", "apikey", "secret", "access_token",
      *_PASSWORD_WORDS),
     r"(?i)(?:password|passwd|\bpwd|api[_-]?key|secret(?:[_-]?key)?|access_token"
     rf"|{'|'.join(_PASSWORD_WORDS)})[\"']?\s{{0,3}}[:=：]\s{{0,3}}"
     r"[\"']?((?=[^\s\"'<>{}\[\]]{0,60}\d)(?=[^\s\"'<>{}\[\]]{0,60}[A-Za-z])[^\s\"'<>{}\[\],;]{8,120})"),
    ("password or key", ("token", "_key", "-key", "secret"),
     r"(?i)(?:token|[_-]key|secret)[\"']?\s{0,3}[:=]\s{0,3}"
     r"[\"']?((?=[\w+/=.~-]{0,60}\d)(?=[\w+/=.~-]{0,60}[A-Za-z])[\w+/=.~-]{24,200})"),
)  # fmt: skip


@cache
def _detectors() -> tuple[_Detector, ...]:
    plugins = tuple(_Detector(plugin.secret_type, needs, _by_plugin(plugin())) for plugin, needs in _PLUGINS)
    own = tuple(_Detector(kind, needs, _by_pattern(re.compile(pattern))) for kind, needs, pattern in _OWN)
    return (*plugins, *own)


_PEOPLE = (
    _Detector(EMAIL, ("@",), addresses),
    _Detector(CARD, tuple(digits), card_numbers),  # before phone numbers, whose pattern is wider
    _Detector(IBAN, tuple(digits), ibans),
    _Detector(PHONE, tuple(digits), phone_numbers),
)


def _by_plugin(plugin: RegexBasedDetector) -> Callable[[str], Iterable[str]]:
    """Its patterns put the value into a group, or only a prefix, or into none."""

    def values(text: str) -> Iterator[str]:
        for pattern in plugin.denylist:
            for match in pattern.finditer(text):
                yield max(
                    (group for group in match.groups() if group and len(group) > 15),
                    key=len,
                    default=match[0],
                )

    return values


def _by_pattern(pattern: re.Pattern[str]) -> Callable[[str], Iterable[str]]:
    group = 1 if pattern.groups else 0
    return lambda text: (match[group] for match in pattern.finditer(text))


# --- saying that something is none ----------------------------------------------------------------------

MANY = 10  # of one kind: one tick box for all of them


@dataclass(frozen=True, slots=True)
class Group:
    """Findings of one kind. ``token`` stands for all of them at once, "" where each has its own box."""

    kind: str
    findings: tuple[SecretFinding, ...]
    token: str


def grouped(findings: Iterable[SecretFinding]) -> list[Group]:
    by_kind: dict[str, list[SecretFinding]] = {}
    for finding in findings:
        by_kind.setdefault(finding.kind, []).append(finding)
    return [Group(kind, tuple(found), _group_token(found)) for kind, found in by_kind.items()]


def _group_token(findings: list[SecretFinding]) -> str:
    """Another set of values has another token: one more address asks again."""
    return _token(" ".join(sorted(f.token for f in findings))) if len(findings) > MANY else ""


def unacknowledged(findings: Iterable[SecretFinding], harmless: Iterable[str]) -> list[SecretFinding]:
    """Those whose token, or whose whole group's token, is not among ``harmless``."""
    said = set(harmless)
    return [
        finding
        for group in grouped(findings)
        for finding in group.findings
        if finding.token not in said and (not group.token or group.token not in said)
    ]
