"""What a layer may take from Django, and what names stand for. Which layer knows which is a contract of
``lint-imports``."""

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

APP = Path(__file__).parents[1]
HTML = ("django.http", "django.shortcuts", "django.template", "django.utils.html", "django.utils.safestring")


def imports(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{name.name}" for name in node.names)
        elif isinstance(node, ast.Import):
            yield from (name.name for name in node.names)


def found_in(layer: str, forbidden: tuple[str, ...]) -> set[str]:
    return {
        str(file.relative_to(APP))
        for file in (APP / layer).rglob("*.py")
        for name in imports(file.read_text())
        if any(name == module or name.startswith(f"{module}.") for module in forbidden)
    }


@pytest.mark.parametrize("module", HTML)
def test_evidence_is_read_without_http_templates_and_html(module: str) -> None:
    assert found_in("evidence", (module,)) == set()


def test_views_ask_in_words() -> None:
    """Queries are put together in models, evidence and actions."""
    assert found_in("views", ("django.db.models",)) == set()


def test_a_class_name_stands_for_one_class() -> None:
    """Those of a module; one within a class is read with the other's name before it."""
    files = [file for file in APP.rglob("*.py") if not {"tests", "migrations", "commands"} & {*file.parts}]
    statements = (statement for file in files for statement in ast.parse(file.read_text()).body)
    names = Counter(one.name for one in statements if isinstance(one, ast.ClassDef))
    assert names["CaseContent"] == 1
    assert {name for name, times in names.items() if times > 1} == set()


def test_it_finds_what_it_looks_for() -> None:
    assert list(imports("from django.http import Http404\nimport django.db.models")) == [
        "django.http.Http404", "django.db.models",
    ]  # fmt: skip
