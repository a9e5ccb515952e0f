"""Every way there can be no answer, in words an author can act on."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FaultKind:
    """One kind of fault.

    ``label`` is a fragment for a table cell, ``next_step`` a sentence to the author. ``retryable`` says
    whether the engine asks again by itself within one call.
    """

    name: str
    label: str
    next_step: str
    retryable: bool = False


_KINDS = (
    FaultKind(
        "bad_request", "the server refused the request",
        "Read the server’s words, then correct the parameters or messages: a parameter this model does not "
        "take is the usual reason.",
    ),
    FaultKind(
        "no_such_format", "the server does not take this response_format",
        "Choose a model or endpoint that offers structured outputs. Or take the schema out of the prompt and "
        "ask for JSON in its messages: the assertion is-json holds the answers to the same schema.",
    ),
    FaultKind(
        "bad_schema", "the server refused the JSON Schema",
        "Change the schema where the server’s words point. The editor names what OpenAI’s strict mode "
        "refuses; without “Strict”, most servers take more.",
    ),
    FaultKind(
        "schema_unmet", "the model wrote nothing that fits the schema",
        "The server held the answer to the schema and withheld it. Run again; if it stays, say in the "
        "messages what is wanted, make the schema simpler, or allow more tokens.",
    ),
    FaultKind("auth", "the key was not accepted", "Enter a valid key for this endpoint, then run again."),
    FaultKind(
        "forbidden", "the key may not do this",
        "Ask the provider to allow this key to use the model, or choose another model.",
    ),
    FaultKind(
        "no_credit", "the account has no credit left",
        "Add credit or raise the limit at the provider, then re-run what is missing.",
    ),
    FaultKind(
        "model_not_found", "no such model or address",
        "Test the connection to see the models on offer (at Azure, a model is called as its deployment is), "
        "and check that the base URL is the API’s: it often ends in /v1.",
    ),
    FaultKind(
        "wrong_path", "no such address at this server",
        "Correct the endpoint’s base URL: it usually ends in /v1. If it does, the server has no such API.",
    ),
    FaultKind(
        "other_api", "this model answers at another API only",
        "Choose the Responses API in the endpoint’s settings (or Chat Completions, where Responses is chosen "
        "now) and start a new run. Or choose another model.",
    ),
    FaultKind(
        "unfinished", "the answer was not there yet",
        "The server put the request aside to answer it later, which is not waited for. Choose another model, "
        "or run again if this is not what it usually does.",
    ),
    FaultKind(
        "timeout_server", "the server gave up waiting",
        "Run again later; if it stays, shorten the prompt or the wanted output.", retryable=True,
    ),
    FaultKind(
        "conflict", "the server was busy with the same thing",
        "Run again in a minute.", retryable=True,
    ),
    FaultKind(
        "too_large", "the request is too large",
        "Shorten the messages or the case’s values; the server takes less at once.",
    ),
    FaultKind(
        "rate_limited", "too many requests",
        "Run again later, with fewer calls at once, or raise the limit at the provider.", retryable=True,
    ),
    FaultKind(
        "server_error", "the server failed",
        "Run again later; the provider’s status page may say more.", retryable=True,
    ),
    FaultKind(
        "refused_connection", "nothing answered at this address",
        "Check the base URL and its port, and that the server is running.", retryable=True,
    ),
    FaultKind(
        "dns", "the host name is unknown",
        "Check the spelling of the base URL’s host name.", retryable=True,
    ),
    FaultKind(
        "out_of_sockets", "this site could open no further connection",
        "This is this site’s own fault, not the provider’s. Ask again later; the person who runs the site "
        "can raise its limit of open files (ulimit -n), or ask fewer calls at once (ENDPOINT_CONCURRENCY).",
        retryable=True,
    ),
    FaultKind(
        "tls", "no safe connection",
        "Check that the base URL’s host has a valid certificate, and that it is https where the server "
        "speaks https.",
    ),
    FaultKind(
        "timeout", "no answer in time",
        "Give the endpoint a longer time limit, or ask for a shorter output.",
    ),
    FaultKind(
        "stream_cut", "the connection broke before the answer was whole",
        "Run again; if it stays, the server or something before it ends long answers early.", retryable=True,
    ),
    FaultKind(
        "bad_json", "the answer was not valid JSON",
        "Check that the base URL is an OpenAI-compatible API; if it is, tell its maintainers.",
    ),
    FaultKind(
        "html_answer", "a web page came back instead of an answer",
        "Correct the base URL: it must be the API’s address, not the website’s (it often ends in /v1).",
    ),
    FaultKind(
        "wrong_shape", "the answer held no output",
        "Check that the endpoint offers the API it is asked at in OpenAI’s form (for pictures, the images "
        "API), "
        "and that the model is a chat model (or one that draws).",
    ),
    FaultKind(
        "answer_too_large", "the answer was too large to keep",
        "Ask for a shorter output, for example with max_tokens, or for a smaller picture.",
    ),
    FaultKind(
        "picture_address", "an address came instead of the picture",
        'Set the parameter response_format to "b64_json", so that the picture comes in the answer itself.',
    ),
    FaultKind(
        "bad_picture", "the picture could not be kept",
        "Ask for PNG, JPEG or WebP in a smaller size; if it stays, tell the provider.",
    ),
    FaultKind(
        "content_filter", "the provider’s filter withheld the answer",
        "Reword the messages or the case, or use a model whose filter allows it.",
    ),
    FaultKind(
        "malformed_call", "the tool call came out broken",
        "Run again: the model wrote a call that its provider could not read. If it stays, simplify the "
        "tools.", retryable=True,
    ),
    FaultKind(
        "old_function_call", "a function call of the old form",
        "Give the parameter “tools” in place of “functions”, and “tool_choice” in place of “function_call”.",
    ),
    FaultKind(
        "context_overflow", "the messages are longer than the model can read",
        "Shorten the messages, lower max_tokens, or choose a model with a larger context.",
    ),
    FaultKind(
        "redirect", "the server sent us elsewhere",
        "Enter the address it points to as the base URL, if you trust it: redirects are not followed, so "
        "that your key goes only where you said.",
    ),
    FaultKind(
        "blocked_address", "this address may not be called",
        "Use a public address; for a model on a private network, the person who runs this site can allow "
        "its host.",
    ),
    FaultKind(
        "template", "a variable has no value",
        "Give the variable a value in this case, or a default in the prompt.",
    ),
    FaultKind(
        "judge_error", "the judge gave no verdict",
        "The model answered, but the judge model’s answer could not be used. Ask again: the answer stays, "
        "and only the judge is asked. Or choose another judge model for a new run.",
    ),
    FaultKind(
        "judge_again", "waiting to be judged again",
        "The answer is kept; only the judge is asked again.",
    ),
    FaultKind(
        "cut_short", "ended before the answer was there",
        "Ask again for what is missing when you want it; what was answered stays.",
    ),
    FaultKind("cancelled", "cancelled", "Re-run the missing cells when you want them."),
    FaultKind("over_cap", "stopped at the cost cap", "Raise the cost cap, then re-run the missing cells."),
    FaultKind(
        "elsewhere", "an error in the tool it was imported from",
        "Read the tool’s words; run the suite here to see whether it stays.",
    ),
    FaultKind(
        "internal", "an error in this site",
        "This is ours to mend: please report it. The answer could not be judged.",
    ),
)  # fmt: skip

FAULTS: dict[str, FaultKind] = {kind.name: kind for kind in _KINDS}
