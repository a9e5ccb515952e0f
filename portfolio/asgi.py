"""The site as ASGI, for hosts that offer nothing else; WSGI is the better choice."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portfolio.settings")
application = get_asgi_application()
