"""Runs against a real server on loopback, for the tests of what starts and executes them."""

from collections.abc import Callable
from threading import Thread
from typing import Any

from django.db import connection

from prompts_app.actions.runs import lifecycle as runs
from prompts_app.actions.runs.batches import BatchPlan
from prompts_app.models import Endpoint, Run, Version
from prompts_app.tests.engine.servers import KEY, OddServer, completion, http
from prompts_app.tests.factories import CaseFactory, EndpointFactory, PromptFactory, VersionFactory
from prompts_app.tests.people import alice

YES = http(200, completion("yes, indeed"))


def a_version(cases: int = 3) -> Version:
    version: Version = VersionFactory(prompt=PromptFactory(owner=alice()))
    for number in range(cases):
        CaseFactory(prompt=version.prompt, variables={"word": f"word {number}"})
    return version


def at(server: OddServer) -> Endpoint:
    endpoint: Endpoint = EndpointFactory(owner=alice(), base_url=server.base_url)
    endpoint.set_key(KEY)
    endpoint.save()
    return endpoint


def a_run(server: OddServer, cases: int = 3, **kwargs: Any) -> Run:
    version = a_version(cases)
    return runs.start_batch(version.prompt, BatchPlan([version], at(server), ["tiny"], **kwargs)).runs.get()


def fresh(run: Run) -> Run:
    return Run.objects.get(pk=run.pk)


def in_a_thread(act: Callable[[], object]) -> Thread:
    def work() -> None:
        try:
            act()
        finally:
            connection.close()

    thread = Thread(target=work)
    thread.start()
    return thread
