"""A Django view that does nothing, to compare pages with: ``/1234`` answers with as many bytes."""

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse
from django.urls import path


def bare(request: HttpRequest, size: int) -> HttpResponse:
    return HttpResponse(b"x" * size)


settings.configure(
    ROOT_URLCONF=__name__, ALLOWED_HOSTS=["127.0.0.1"], SECRET_KEY="bare", MIDDLEWARE=[], USE_I18N=False
)
urlpatterns = [path("<int:size>", bare)]
application = get_wsgi_application()
