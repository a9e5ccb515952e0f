"""Who made a model, and whether that may be said of an answer: from its name and from where it was asked.

A name alone says little: whoever runs a server may call what answers there "gpt-4.1". So a maker is named,
and counted, only where the host vouches for it:

- **the maker's own host**, over https: "gpt-4.1" at api.openai.com;
- **a known host that serves models of many makers**, over https, under a name of that host's catalogue, not
  of its customers: "meta-llama/llama-3.3-70b" at openrouter.ai. Where customers name what they deploy
  (Azure), the name the server gave with its answer has to bear it out.

Anything else counts for nobody, and says so: an *own server* (loopback, a private network, a name that only
such a network knows), an *unknown server*, or *another maker's*. That holds for open weights too: that
anybody can run Llama does not show that this is Llama. It is said, though, since there an own server is the
usual way. Why: docs/adr/0021.

What is in no table is unknown, never guessed. A name may carry a path ("meta-llama/Llama-3.1-8B",
"models/gemini-2.0-flash"); what tells the maker is its last part: whoever serves or repacks a model has not
made it. Whoever changes a table raises ``evidence.summary.SUMMARY_VERSION``: stored names are made anew then.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from ipaddress import ip_address
from typing import Literal

from prompts_app.engine.endpoints.addresses import BadUrl, Target, is_public, parse_url
from prompts_app.engine.types import LEVELS


class Maker:
    """``starts``: how the names of its models begin, in small letters. "o1" is whole: "o1", "o1-mini", not
    "o1x". ``namespaces``: what stands before the slash in names that are really its own, at hosts that serve
    many. ``hosts``: those that are its own, with everything below them."""

    def __init__(self, starts: str, namespaces: str, hosts: str = "") -> None:
        self.starts, self.namespaces = tuple(starts.split()), tuple(namespaces.split())
        self.hosts = tuple(hosts.split())


MAKERS = {
    "AI21": Maker("jamba jurassic", "ai21 ai21labs ai21-labs", "api.ai21.com"),
    "Alibaba": Maker("qwen qwq qvq", "qwen alibaba"),
    "Allen Institute for AI": Maker("olmo tulu molmo", "allenai"),
    "Amazon": Maker("nova titan", "amazon", "api.nova.amazon.com"),
    "Anthropic": Maker("claude", "anthropic", "api.anthropic.com"),
    "Baidu": Maker("ernie", "baidu"),
    "Cohere": Maker("command c4ai aya", "cohere cohereforai coherelabs", "api.cohere.ai api.cohere.com"),
    "DeepSeek": Maker("deepseek", "deepseek deepseek-ai", "api.deepseek.com"),
    "Google": Maker(
        "gemini gemma palm imagen codegemma medgemma", "google", "generativelanguage.googleapis.com",
    ),
    "Hugging Face": Maker("smollm smolvlm zephyr", "huggingfacetb huggingfaceh4"),
    "IBM": Maker("granite", "ibm ibm-granite"),
    "Meta": Maker("llama codellama meta-llama", "meta meta-llama"),
    "Microsoft": Maker("phi wizardlm orca", "microsoft"),
    "MiniMax": Maker("minimax", "minimax minimaxai", "api.minimax.io api.minimax.chat api.minimaxi.com"),
    "Mistral AI": Maker(
        "mistral mixtral ministral codestral pixtral magistral devstral voxtral",
        "mistral mistralai mistral-ai", "api.mistral.ai codestral.mistral.ai",
    ),
    "Moonshot AI": Maker("kimi moonshot", "moonshot moonshotai", "api.moonshot.ai api.moonshot.cn"),
    "Nomic AI": Maker("gpt4all nomic", "nomic-ai"),
    "NVIDIA": Maker("nemotron", "nvidia"),
    "OpenAI": Maker("gpt chatgpt o1 o3 o4 dall-e davinci codex", "openai", "api.openai.com"),
    "Perplexity": Maker("sonar", "perplexity perplexity-ai", "api.perplexity.ai"),
    "Technology Innovation Institute": Maker("falcon", "tiiuae"),
    "xAI": Maker("grok", "xai x-ai xai-org", "api.x.ai"),
    "Zhipu AI": Maker("glm chatglm", "thudm zai z-ai zai-org zhipu", "api.z.ai open.bigmodel.cn"),
}  # fmt: skip

# Families whose weights anybody can have, as their names begin.
OPEN_WEIGHTS = (
    "aya", "c4ai", "chatglm", "codegemma", "codellama", "deepseek", "falcon", "gemma", "glm", "gpt-oss",
    "gpt4all", "granite", "jamba", "kimi", "llama", "medgemma", "meta-llama", "minimax", "ministral",
    "mistral", "mixtral", "molmo", "nemotron", "nomic", "olmo", "orca", "phi", "qvq", "qwen", "qwq",
    "smollm", "smolvlm", "tulu", "wizardlm", "zephyr",
)  # fmt: skip

_NO_NAMESPACE = {"accounts", "models", "publishers", "pro", "@cf", "@hf"}  # only parts of the way


@dataclass(frozen=True, slots=True)
class SharedHost:
    """A service that serves models of many makers. ``catalogue``: namespaces of its own. With
    ``customers_name`` it is the customer who chose the name a model is asked by."""

    name: str
    hosts: tuple[str, ...]
    catalogue: tuple[str, ...] = ()
    customers_name: bool = False


SHARED_HOSTS = (
    SharedHost("Alibaba Cloud", ("dashscope.aliyuncs.com", "dashscope-intl.aliyuncs.com")),
    SharedHost(
        "Azure",
        ("openai.azure.com", "services.ai.azure.com", "cognitiveservices.azure.com"),
        customers_name=True,
    ),
    SharedHost("Baidu Qianfan", ("qianfan.baidubce.com",)),
    SharedHost("Cerebras", ("api.cerebras.ai",)),
    SharedHost("Chutes", ("llm.chutes.ai",)),
    SharedHost("Cloudflare Workers AI", ("api.cloudflare.com",)),
    SharedHost("DeepInfra", ("api.deepinfra.com",)),
    SharedHost("Featherless", ("api.featherless.ai",)),
    SharedHost("Fireworks", ("api.fireworks.ai",), ("fireworks",)),
    SharedHost("GitHub Models", ("models.github.ai", "models.inference.ai.azure.com")),
    SharedHost("Groq", ("api.groq.com",), ("groq",)),
    SharedHost("Hugging Face", ("router.huggingface.co", "api-inference.huggingface.co")),
    SharedHost("Hyperbolic", ("api.hyperbolic.xyz",)),
    SharedHost("IBM watsonx", ("ml.cloud.ibm.com",)),
    SharedHost("Nebius", ("api.studio.nebius.ai", "api.studio.nebius.com", "api.tokenfactory.nebius.com")),
    SharedHost("Novita", ("api.novita.ai",)),
    SharedHost("NVIDIA", ("integrate.api.nvidia.com",)),
    SharedHost("Ollama Cloud", ("ollama.com",)),
    SharedHost("OpenRouter", ("openrouter.ai",)),
    SharedHost("SambaNova", ("api.sambanova.ai",)),
    SharedHost("Scaleway", ("api.scaleway.ai",)),
    SharedHost("SiliconFlow", ("api.siliconflow.cn", "api.siliconflow.com")),
    SharedHost("Together", ("api.together.xyz", "api.together.ai")),
    SharedHost("Vercel AI Gateway", ("ai-gateway.vercel.sh",)),
)
# Amazon Bedrock and Google's Vertex AI: the region is a part of the host's first word.
_REGIONAL = (
    (re.compile(r"bedrock-(?:runtime|mantle)\.[a-z0-9-]+\.(?:amazonaws\.com|api\.aws)"), "Amazon Bedrock"),
    (re.compile(r"(?:[a-z0-9-]+-)?aiplatform\.googleapis\.com"), "Google Vertex AI"),
)

_OWN_NAMES = (
    "localhost", "local", "internal", "lan", "home", "home.arpa", "intranet", "corp", "private", "test",
)  # fmt: skip

_BEGINNINGS = {start: maker for maker, one in MAKERS.items() for start in one.starts}
_AFTER = r"(?:[-_.:@ ]|v?[0-9]|\Z)"
_WORDS = re.compile("(" + "|".join(sorted(map(re.escape, _BEGINNINGS), key=len, reverse=True)) + f"){_AFTER}")
_OPEN = re.compile("(?:" + "|".join(map(re.escape, OPEN_WEIGHTS)) + f"){_AFTER}")
# Whoever reads a name finds these anywhere in it, the makers' own names among them.
_READ_AS = {**_BEGINNINGS, **{word: maker for maker, one in MAKERS.items() for word in one.namespaces}}
_ANYWHERE = re.compile(
    "(?<![a-z])(" + "|".join(sorted(map(re.escape, _READ_AS), key=len, reverse=True)) + ")(?![a-z])"
)
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
# Cyrillic and Greek letters that look like Latin ones.
_LOOKALIKES = str.maketrans(
    "асԁеһіјӏморԛѕтԝхуАВСЕНІЈКМОРЅТХУαεικνορτυχΑΒΕΗΙΚΜΝΟΡΤΥΧɡıⅼ",
    "acdehijlmopqstwxyABCEHIJKMOPSTXYaeiknoptuxABEHIKMNOPTYXgil",
)
# Bedrock's names: "us.anthropic.claude-sonnet-4", "meta.llama3-1-70b-instruct-v1:0".
_DOTTED = re.compile(
    r"(?:(?:us|eu|apac|global)\.)?(?:"
    + "|".join(re.escape(name) for maker in MAKERS.values() for name in maker.namespaces)
    + r")\.(?=[a-z])"
)


def maker_of(model: str) -> str:
    """ "Meta" for "meta-llama/Llama-3.1-8B": who has made it, by its name; "" where that is not known."""
    found = _WORDS.match(_last_part(model))
    return _BEGINNINGS[found[1]] if found else ""


def suggested_by(model: str) -> str:
    """The maker a reader may take it to be of, wherever in the name that stands: "openai-gpt-4.1",
    "ft:gpt-4o", "MyGPT-4", "сlaude" with a Cyrillic letter. It is what the host that was asked is held to."""
    if maker := maker_of(model):
        return maker
    found = _ANYWHERE.search(_as_read(model))
    return _READ_AS[found[1]] if found else ""


def _as_read(model: str) -> str:
    """As it looks: without invisible characters and accents, letters that look like others as those."""
    seen = "".join(
        c for c in unicodedata.normalize("NFKD", model) if unicodedata.category(c) not in ("Cf", "Mn", "Me")
    )
    plain = seen.translate(_LOOKALIKES)
    return f"{plain} {_CAMEL.sub('-', plain)}".casefold()


def _last_part(model: str) -> str:
    return _DOTTED.sub("", model.strip().casefold().rstrip("/").rpartition("/")[2], count=1)


def is_own(host: str) -> bool:
    """Whether a host is on loopback or a private network, by its address or its name."""
    try:
        return not is_public(ip_address(host))
    except ValueError:
        return "." not in host or any(host == name or host.endswith(f".{name}") for name in _OWN_NAMES)


# --- who may be named ---------------------------------------------------------------------------------------

type HostKind = Literal["maker", "shared", "own", "unknown", "elsewhere", "nameless", "nowhere"]


@dataclass(frozen=True, slots=True)
class Claim:
    """What may be said of the answers of one model, asked at one place.

    ``maker`` is whom they count for, "" for nobody. ``at`` is the place as it is written for readers, ""
    where it is not known; ``by`` whose host that is, where that is known. ``kind``: at a host of its "maker"
    or a "shared" one, or "nameless" where the name suggests no maker; at an "own" or "unknown" server, or
    "elsewhere", at the host of another; "nowhere" where the place is not known.
    """

    model: str
    kind: HostKind
    maker: str = ""
    at: str = ""
    by: str = ""
    then: str = ""  # where only that is known: the host that was to be asked

    @property
    def where(self) -> str:
        """ "asked at api.openai.com"."""
        if self.at:
            return f"asked at {self.at}"
        if self.then:
            return f"started to ask {self.then}; where it was really asked was not kept then"
        return "where it was asked was not kept"

    @property
    def in_words(self) -> str:
        """Where it was asked, with what is to be said of that."""
        return f"{self.where}: {self.remark}" if self.remark else self.where

    @property
    def suffix(self) -> str:
        """What stands behind the model's name wherever it is said; "" where the name may stand alone."""
        match self.kind:
            case "own" | "unknown":
                return f"({self.kind} server)"
            case "elsewhere":
                return f"(at {self.by})"
        return ""

    @property
    def named(self) -> str:
        """The model as readers are told it: "gpt-4.1", "gpt-4.1 (own server)"."""
        return f"{self.model} {self.suffix}".rstrip()

    @property
    def remark(self) -> str:
        """What is to be said beside the place, as a fragment; "" for nothing."""
        name = f"named {self.model} by its author"
        match self.kind:
            case "own" | "unknown":
                is_open = bool(_OPEN.match(_last_part(self.model)))
                return f"{self.kind} server, {name}" + (" (a family with open weights)" if is_open else "")
            case "elsewhere":
                return f"a server of {self.by}, {name}"
            case "shared":
                return f"{self.by} serves models of many makers"
        return ""


def place(origin: str) -> str:
    """An origin as readers are told it: without "https://", which is the usual; "http://" is said."""
    return origin.removeprefix("https://")


_SUFFIX = re.compile(r" \((?:own server|unknown server|at [^()]+)\)\Z")


# What a run may set beside its version, and how it is told.
_SETTINGS = {"reasoning_effort": "effort", "verbosity": "verbosity"}
_TOLD = re.compile(rf"(?:, (?:{'|'.join(LEVELS)}) (?:effort|verbosity)){{1,2}}(?= \([^()]+\)\Z|\Z)")
LONGEST_NAME = 180  # characters of a model's name, where something is told behind it


def shortened(named: str, most: int) -> str:
    """``Claim.named`` with at most ``most`` characters of the model's name: what stands behind it stays."""
    suffix = found[0] if (found := _SUFFIX.search(named)) else ""
    name = named.removesuffix(suffix)
    return (name if len(name) <= most else f"{name[: most - 1]}…") + suffix


def with_settings(named: str, settings: Mapping[str, str]) -> str:
    """``Claim.named`` with what a run set beside its version: "gpt-5, high effort (own server)"."""
    if not settings:
        return named
    named = shortened(named, LONGEST_NAME)
    suffix = found[0] if (found := _SUFFIX.search(named)) else ""
    told = "".join(f", {value} {_SETTINGS.get(name, name)}" for name, value in sorted(settings.items()))
    return named.removesuffix(suffix) + told + suffix


def without_settings(named: str) -> str:
    """The model of what ``with_settings`` gives."""
    return _TOLD.sub("", named)


def count_models(names: Iterable[str]) -> int:
    """How many models those are: one that is asked with several settings is one."""
    return len({without_settings(name) for name in names})


def models_in_words(names: Sequence[str]) -> str:
    """ "3 models"; "2 settings of one model"; "5 settings of 3 models"."""
    count = count_models(names)
    if not any(map(_TOLD.search, names)):
        return f"{len(names)} model{'' if len(names) == 1 else 's'}"
    return f"{len(names)} settings of {'one model' if count == 1 else f'{count} models'}"


def claim_of(model: str, origins: Sequence[str], *, answered: str = "") -> Claim:
    """Who may be named for ``model`` asked at ``origins`` (scheme, host and port each; []: not known).

    ``answered`` is how the server named the model in its answer. Of several places that differ in what they
    vouch for, the least is said.
    """
    claims = [_claim_at(model, origin, answered) for origin in origins] or [Claim(model, "nowhere")]
    least = min(claims, key=lambda claim: _LEAST_FIRST.index(claim.kind))
    return replace(least, at=", ".join(dict.fromkeys(claim.at for claim in claims)))


def claim_of_host(model: str, host: str) -> Claim:
    """The same where only the host is known that was to be asked: that vouches for nobody."""
    claim = _claim_at(model, f"https://{host}", "")
    kind = claim.kind if claim.kind in ("own", "unknown", "elsewhere") else "nowhere"
    return Claim(model, kind, by=claim.by, then=host)


_LEAST_FIRST: tuple[HostKind, ...] = ("own", "unknown", "elsewhere", "nowhere", "nameless", "shared", "maker")


def _claim_at(model: str, origin: str, answered: str) -> Claim:
    try:
        target = parse_url(origin)
    except BadUrl:
        return Claim(model, "nowhere")
    at, suggested = place(origin), suggested_by(model)
    if is_own(target.host):
        return Claim(model, "own", at=at)
    if shared := _shared(target):
        maker = _vouched_for(model, answered, shared)
        kind: HostKind = "elsewhere" if suggested and not maker else "shared"
        return Claim(model, kind, maker, at, shared.name)
    if not suggested:
        return Claim(model, "nameless", at=at)
    owner = _owner(target)
    if owner == suggested:
        return Claim(model, "maker", owner, at, owner)
    return Claim(model, "elsewhere" if owner else "unknown", at=at, by=owner)


def _vouched_for(model: str, answered: str, shared: SharedHost) -> str:
    """The maker of a model of this host's catalogue; "" where the name is a customer's, or tells none."""
    if not shared.customers_name:
        return maker if _is_in_catalogue(model, maker := maker_of(model), shared) else ""
    is_borne_out = not suggested_by(model) or answered.casefold().startswith(model.casefold())
    return maker_of(answered) if is_borne_out else ""


def _owner(target: Target) -> str:
    """Whose host it is; "" where nobody knows. Without TLS anybody on the way could have answered."""
    if target.scheme != "https":
        return ""
    return next((name for name, maker in MAKERS.items() if _is_below(target.host, maker.hosts)), "")


def _shared(target: Target) -> SharedHost | None:
    if target.scheme != "https":
        return None
    for pattern, name in _REGIONAL:
        if pattern.fullmatch(target.host):
            return SharedHost(name, ())
    return next((shared for shared in SHARED_HOSTS if _is_below(target.host, shared.hosts)), None)


def _is_below(host: str, domains: Sequence[str]) -> bool:
    return any(host == domain or host.endswith(f".{domain}") for domain in domains)


def _is_in_catalogue(model: str, maker: str, shared: SharedHost) -> bool:
    """Whether the name is the maker's own at this host: not that of a customer's model or preset."""
    namespaces = set(model.strip().casefold().split("/")[:-1]) - _NO_NAMESPACE
    own = MAKERS[maker].namespaces if maker else ()
    return namespaces <= {*own, *shared.catalogue}
