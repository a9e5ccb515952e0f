"""The author's profile and account: what the public page says, the handle, and the end of it all."""

from django.contrib.auth import logout
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.debug import sensitive_post_parameters

from prompts_app.actions.accounts import accounts as people
from prompts_app.actions.accounts import deletion
from prompts_app.actions.pictures.storage import set_face
from prompts_app.forms.people import DeleteAccountForm, HandleForm, ProfileForm, link_formset
from prompts_app.forms.refusals import refusals_on
from prompts_app.models import Profile, User
from prompts_app.views.signed_in import AuthorRequest, author_view, typed
from prompts_app.views.studio.studio_page import done


@author_view
def profile(request: AuthorRequest) -> HttpResponse:
    sent = typed(request)
    # A row of its own, so that what was refused does not show in the page's own header.
    mine = User.objects.select_related("profile").get(pk=request.user.pk).profile
    form, links = ProfileForm(sent, request.FILES or None, instance=mine), link_formset(mine, sent)
    if request.method == "POST" and form.is_valid() and links.is_valid():
        saved = form.save(commit=False)
        saved.links = links.links()
        people.save_profile(saved)
        _keep_face(saved, form)
        return done(request, "Profile saved.", "studio_profile")
    return render(request, "studio/profile.html", {"form": form, "links": links, "here": "profile"})


def _keep_face(profile: Profile, form: ProfileForm) -> None:
    if (picture := form.cleaned_data["picture"]) is not None:
        set_face(profile, picture)
    elif form.cleaned_data.get("remove_picture"):
        set_face(profile, None)


@author_view
def handle(request: AuthorRequest) -> HttpResponse:
    form = HandleForm(typed(request), initial={"handle": request.user.handle})
    if request.method == "POST" and form.is_valid():
        with refusals_on(form, "handle"):
            people.rename_handle(request.user, form.cleaned_data["handle"])
            said = f"You are @{request.user.handle} now. Old addresses lead here."
            return done(request, said, "studio_handle")
    former = request.user.former_handles.order_by("pk")
    return render(request, "studio/handle.html", {"form": form, "former": former, "here": "profile"})


@sensitive_post_parameters("password")
@author_view
def delete_account(request: AuthorRequest) -> HttpResponse:
    form = DeleteAccountForm(request.user, request.POST or None)
    if request.method == "POST" and form.is_valid():
        user = request.user
        logout(request)
        deletion.delete_account(user)
        return done(request, "Your account is deleted, with everything in it.", "home")
    context = {"form": form, "losses": deletion.losses(request.user), "here": "profile"}
    return render(request, "studio/account_delete.html", context)
