"""The author's own area, one list a resource."""

from django.urls import include, path

urlpatterns = [
    path("", include("prompts_app.urls.studio_prompts")),
    path("", include("prompts_app.urls.studio_runs")),
    path("", include("prompts_app.urls.studio_people")),
    path("links/", include("prompts_app.urls.studio_sharing")),
    path("export/", include("prompts_app.urls.studio_exporting")),
    path("import/", include("prompts_app.urls.studio_import")),
]
