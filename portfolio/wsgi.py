"""The site as WSGI, which it is made for: a sync view under ASGI costs a thread hop a request."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portfolio.settings")
application = get_wsgi_application()
