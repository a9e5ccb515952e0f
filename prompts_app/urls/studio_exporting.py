"""Everything of an account, to take along."""

from django.urls import path

from prompts_app.views.studio import export

urlpatterns = [
    path("", export.export, name="studio_export"),
    path("<slug:public_id>/<int:number>/", export.file, name="studio_export_file"),
]
