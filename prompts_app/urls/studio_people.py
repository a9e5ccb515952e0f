"""The author's profile and account."""

from django.urls import path

from prompts_app.views.studio import people

urlpatterns = [
    path("profile/", people.profile, name="studio_profile"),
    path("account/handle/", people.handle, name="studio_handle"),
    path("account/delete/", people.delete_account, name="studio_account_delete"),
]
