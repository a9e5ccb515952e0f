"""The site as WSGI, which it is made for: a sync view under ASGI costs a thread hop a request."""

import os
import sys

import django
from django.conf import settings

from portfolio.slow_clients import without_slow_clients

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portfolio.settings")
django.setup(set_prefix=False)

from django.urls import reverse  # noqa: E402 it needs the settings

from prompts_app.views.stored_pages import Handler  # noqa: E402 the same

reverse("home")  # loads all views, which else the first visitor waits for, in each process
application = without_slow_clients(
    Handler(), within_s=settings.REQUEST_WITHIN_S, threads=settings.WEB_THREADS
)


def _check_release() -> None:
    from django.db import connection

    from portfolio.database import AWAY
    from portfolio.release import what_does_not_fit

    try:
        sentence = what_does_not_fit()
    except AWAY:  # each page tells it until the database is there
        return
    finally:
        connection.close()
    if sentence:
        sys.exit(sentence)


_check_release()
