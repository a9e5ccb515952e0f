"""Share links of the author."""

from django.urls import path

from prompts_app.views.public import shared
from prompts_app.views.studio import sharing

urlpatterns = [
    path("", sharing.links, name="studio_links"),
    path("new/", sharing.new, name="studio_link_new"),
    path("<slug:public_id>/", sharing.edit, name="studio_link"),
    path("<slug:public_id>/renew/", sharing.renew, name="studio_link_renew"),
    path("<slug:public_id>/revoke/", sharing.revoke, name="studio_link_revoke"),
    path("<slug:public_id>/delete/", sharing.delete, name="studio_link_delete"),
    path("<slug:public_id>/preview/", shared.preview, name="studio_link_preview"),
    path("<slug:public_id>/preview/<path:place>", shared.preview, name="studio_link_preview_page"),
]
