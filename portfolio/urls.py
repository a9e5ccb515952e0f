"""The project's addresses: the app's own, accounts, and the operator's admin."""

from django.contrib import admin
from django.urls import include, path

from prompts_app.views import errors
from prompts_app.views.accounts import SignIn, SignUp, SocialSignUp

urlpatterns = [
    path("", include("prompts_app.urls.public")),
    path("studio/", include("prompts_app.urls.studio")),
    path("accounts/login/", SignIn.as_view(), name="account_login"),
    path("accounts/signup/", SignUp.as_view(), name="account_signup"),
    path("accounts/3rdparty/signup/", SocialSignUp.as_view(), name="socialaccount_signup"),
    path("accounts/", include("allauth.urls")),
    path("admin/", admin.site.urls),
]

handler400 = errors.bad_request
handler403 = errors.forbidden
handler404 = errors.not_found
handler429 = errors.too_many_requests
handler500 = errors.server_error
