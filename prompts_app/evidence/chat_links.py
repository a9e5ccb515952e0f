"""Links that open a prompt in the big chat products, with its text typed in already.

Each is a plain link: nothing is loaded from there, no script is needed, and the other site is not told
where its visitor came from. None of the products documents a limit; an address that is too long is refused
or cut without a word, so beyond LONGEST the link goes without the text and the page says to copy it first.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from prompts_app.engine.types import Message


@dataclass(frozen=True, slots=True)
class Product:
    """``longest``: characters of the text as it is written in the address."""

    name: str
    plain: str  # its page for a new chat
    prefilled: str  # the same, ready for the text
    longest: int


# Those whose parameter is in wide public use. Copilot, Gemini and DeepSeek have none that can be relied on.
PRODUCTS = (
    Product("ChatGPT", "https://chatgpt.com/", "https://chatgpt.com/?q=", 6000),
    Product("Claude", "https://claude.ai/new", "https://claude.ai/new?q=", 6000),
    Product("Perplexity", "https://www.perplexity.ai/", "https://www.perplexity.ai/search?q=", 2000),
    Product("Le Chat", "https://chat.mistral.ai/chat", "https://chat.mistral.ai/chat?q=", 2000),
)


@dataclass(frozen=True, slots=True)
class Way:
    """One link; without the text where that is too long."""

    product: Product
    href: str
    has_text: bool


def ways_for(messages: Sequence[Message]) -> list[Way]:
    """One link for each product, [] where there is nothing to take along."""
    text = quote(flattened(messages), safe="", errors="replace")
    return [
        Way(product, product.prefilled + text, has_text=True)
        if len(text) <= product.longest
        else Way(product, product.plain, has_text=False)
        for product in PRODUCTS
        if text
    ]


def flattened(messages: Sequence[Message]) -> str:
    """A chat as the one text a chat box takes: letter for letter what was tested; with its roles where an
    answer is among it."""
    said = [(message.role, message.content) for message in messages if message.content.strip()]
    if all(role != "assistant" for role, _ in said):
        return "\n\n".join(text for _, text in said)
    return "\n\n".join(f"{role.capitalize()}:\n{text}" for role, text in said)
