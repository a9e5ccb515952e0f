"""What to do with the prompts that are ticked in the list of one's own."""

from django import forms

from prompts_app.forms.fields import TagsField
from prompts_app.models import Task, Visibility


class ManyPromptsForm(forms.Form):
    """``do`` is the button that was pressed; of the others only what it needs is looked at."""

    DO = ("tag", "untag", "task", "visibility", "archive", "restore", "export", "delete")

    do = forms.ChoiceField(choices=[(name, name) for name in DO])
    tags = TagsField(required=False)
    task = forms.ChoiceField(required=False, choices=Task)
    visibility = forms.ChoiceField(required=False, choices=Visibility)
    every = forms.BooleanField(required=False)  # all that are found, on whatever page
    confirmed = forms.BooleanField(required=False)  # the findings were shown

    def clean(self) -> None:
        super().clean()
        needs = {"tag": ("tags", "Type a tag first."), "untag": ("tags", "Type the tag first."),
                 "task": ("task", "Choose a task first."),
                 "visibility": ("visibility", "Choose first who can see them.")}  # fmt: skip
        name, sentence = needs.get(self.cleaned_data.get("do", ""), ("", ""))
        if name and name not in self.errors and not self.cleaned_data.get(name):
            self.add_error(name, sentence)
