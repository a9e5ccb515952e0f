"""The author's own page and account: profile, links, handle, deletion."""

from typing import Any, cast
from urllib.parse import urlsplit

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator, URLValidator
from django.http import QueryDict

from prompts_app.engine.digests import digest
from prompts_app.engine.pictures import square
from prompts_app.forms.fields import LineField, PictureField, set_choices
from prompts_app.models import Profile, User
from prompts_app.models.people import handle_validators

MOST_LINKS = 8
SPARE_LINKS = 2  # empty rows below the filled ones


class HandleField(forms.CharField):
    """A handle as it is stored: capitals become small letters, spaces around it go."""

    default_validators = [*forms.CharField.default_validators, *handle_validators]

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            **{
                "label": "Handle",
                "help_text": "3 to 30 small letters, digits and hyphens. It is the address of your page.",
                "error_messages": {"required": "Choose a handle: it becomes the address of your page."},
            }
            | kwargs
        )
        # No maxlength: a browser would cut a pasted text short without a word.
        self.widget.attrs |= {"autocapitalize": "none", "spellcheck": "false", "data-handle": True}

    def to_python(self, value: Any) -> str:
        return str(super().to_python(value) or "").lower()


VISIBILITY_OF_A_PAGE = [
    ("public", "Everybody, and search engines may list it"),
    ("unlisted", "Whoever has the link; it and your prompts are listed nowhere"),
    ("private", "Only you; all your prompts are hidden with it"),
]


class ProfileForm(forms.ModelForm):  # type: ignore[type-arg]  # generic in the stubs only
    """What the public page says. ``seen`` notices that another tab saved meanwhile."""

    seen = forms.CharField(widget=forms.HiddenInput, required=False)
    picture = PictureField(
        read=square,
        help_text="PNG, JPEG or WebP, up to 8 MB. Its middle is shown as a square; camera, place and texts "
        "in the file are gone. Without one, your initials stand there.",
    )
    remove_picture = forms.BooleanField(label="Take my picture away", required=False)

    class Meta:
        model = Profile
        fields = ["name", "headline", "bio", "location", "availability", "contact_email", "visibility"]
        labels = {
            "bio": "About you",
            "contact_email": "Contact e-mail",
            "visibility": "Who can see your page",
        }
        help_texts = {
            "name": "As you want to be called. Without one, your handle stands there.",
            "headline": "One sentence: what you build, and for whom.",
            "availability": "Such as “Open to full-time and contract work”.",
            "contact_email": "Shown publicly on your page. Your sign-in address never is.",
        }
        widgets = {
            "name": forms.TextInput(attrs={"autocomplete": "name"}),
            "headline": forms.TextInput(),
            "bio": forms.Textarea(attrs={"rows": 6, "class": "prose"}),
            "contact_email": forms.EmailInput(attrs={"autocomplete": "email"}),
            "visibility": forms.RadioSelect,
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.widget.attrs.pop("maxlength", None)  # the server says so; a browser cuts without a word
        if not self.instance.face_digest:
            del self.fields["remove_picture"]
        set_choices(self, "visibility", VISIBILITY_OF_A_PAGE)
        self.initial["seen"] = self.now = _digest_of(self.instance)

    def clean(self) -> dict[str, Any]:
        super().clean()
        seen = self.cleaned_data.get("seen")
        if seen and seen != self.now:
            data = cast(QueryDict, self.data).copy()
            data[self.add_prefix("seen")] = self.now
            self.data = data
            raise ValidationError(
                "Your profile was changed in another tab since you opened this one. What you typed is still "
                "here: save again to put it in place of the other."
            )
        return self.cleaned_data


def _digest_of(profile: Profile) -> str:
    """Tells one stored state of a profile from another."""
    return digest({name: str(getattr(profile, name)) for name in [*ProfileForm.Meta.fields, "links"]})


_NOTHING_TO_ESCAPE = RegexValidator(r"[<>\"\\`\s]", inverse_match=True)
_WEB_ADDRESS = URLValidator(schemes=["http", "https"])


class LinkForm(forms.Form):
    """One link: an address, and the words it is shown with."""

    label = LineField(max_length=40, required=False)
    url = LineField(
        label="Address",
        max_length=300,
        required=False,
        widget=forms.TextInput({"inputmode": "url", "autocomplete": "url", "spellcheck": "false"}),
    )

    def clean_url(self) -> str:
        url: str = self.cleaned_data["url"]
        if not url:
            return ""
        if "://" not in url and ":" not in url.partition("/")[0]:
            url = f"https://{url}"
        try:
            _NOTHING_TO_ESCAPE(url)
            _WEB_ADDRESS(url)
        except ValidationError:
            raise ValidationError("Write a web address that starts with https:// or http://.") from None
        if urlsplit(url).username is not None:
            raise ValidationError("Take the user name and password out of this address.")
        return url

    def clean(self) -> dict[str, Any]:
        super().clean()
        data = self.cleaned_data
        if data.get("label") and data.get("url") == "":
            self.add_error("url", "Give the address for this label, or clear the label.")
        return data


class BaseLinkFormSet(forms.BaseFormSet):  # type: ignore[type-arg]  # generic in the stubs only
    def links(self) -> list[dict[str, str]]:
        """``[{"label", "url"}]`` as the profile stores them: empty rows left out, a missing label made."""
        rows = [form.cleaned_data for form in self.forms if form.cleaned_data.get("url")]
        return [{"label": row["label"] or urlsplit(row["url"]).netloc, "url": row["url"]} for row in rows]


def link_formset(profile: Profile, data: Any = None) -> BaseLinkFormSet:
    """The profile's links and a few empty rows, never more than MOST_LINKS in all."""
    extra = max(0, min(SPARE_LINKS, MOST_LINKS - len(profile.links)))
    kind = forms.formset_factory(
        LinkForm,
        formset=BaseLinkFormSet,
        extra=extra,
        max_num=MOST_LINKS,
        validate_max=True,
        absolute_max=MOST_LINKS + 1,
    )
    return cast(BaseLinkFormSet, kind(data, initial=profile.links, prefix="links"))


class HandleForm(forms.Form):
    handle = HandleField()


class DeleteAccountForm(forms.Form):
    """Typed on purpose: the handle, and the password where the account has one."""

    handle = forms.CharField(
        label="Type your handle",
        widget=forms.TextInput(attrs={"autocapitalize": "none", "autocomplete": "off"}),
    )
    password = forms.CharField(
        label="Your password",
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        self.user = user
        super().__init__(*args, **kwargs)
        if not user.has_usable_password():
            del self.fields["password"]

    def clean_handle(self) -> str:
        handle: str = self.cleaned_data["handle"].removeprefix("@").lower()
        if handle != self.user.handle:
            raise ValidationError(f"This is not your handle. Type {self.user.handle} to go on.")
        return handle

    def clean_password(self) -> str:
        password: str = self.cleaned_data["password"]
        if not self.user.check_password(password):
            raise ValidationError("This is not your password. Type it again.")
        return password
