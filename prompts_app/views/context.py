"""What every template may use, without a query."""

from django.conf import settings
from django.http import HttpRequest


def site(request: HttpRequest) -> dict[str, object]:
    return {
        "site_url": settings.SITE_URL,
        "page_url": settings.SITE_URL + request.path,
        "signup_open": settings.SIGNUP_OPEN,
        "github_login": bool(settings.GITHUB_CLIENT_ID),
        "mail_on_terminal": settings.LOCAL and not settings.EMAIL_SERVER,
    }
