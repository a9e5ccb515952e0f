"""Reading and voting as a visitor does, for the tests of ``/blind/``."""

import re
from typing import Any

from django.test import Client

from prompts_app.evidence.blind_pairs import Duel, duel_of
from prompts_app.evidence.records import Records
from prompts_app.models import Prompt
from prompts_app.models.votes import Pair
from prompts_app.tests.pages import read_page

TALLY = "What visitors chose"


def start(client: Client, prompt: Prompt) -> str:
    """The address of a pair that the server drew."""
    response = client.get(f"{prompt.get_absolute_url()}blind/")
    assert response.status_code == 302
    return str(response["Location"])


def read(client: Client, address: str) -> str:
    response = client.get(address)
    assert response.status_code == 200
    assert response["Cache-Control"] == "private, no-store"
    assert "noindex" in response["X-Robots-Tag"]
    return read_page(response)


def seal_of(body: str) -> str:
    (seal,) = re.findall(r'name="pair" value="([0-9a-f]+)"', body)
    return str(seal)


def vote(client: Client, address: str, choice: str = "A", **where: str) -> Any:
    seal = seal_of(read_page(Client().get(address)))
    return client.post(address, {"choice": choice, "pair": seal}, **where)  # type: ignore[arg-type]


def outputs(body: str) -> list[str]:
    return re.findall(r'<pre class="output" dir="auto">(.*?)</pre>', body, re.DOTALL)


def the_duel(prompt: Prompt) -> Duel:
    duel = duel_of(Records(Prompt.objects.get(pk=prompt.pk)))
    assert duel
    return duel


def a_pair(prompt: Prompt) -> Pair:
    return the_duel(prompt).pairs[0]
