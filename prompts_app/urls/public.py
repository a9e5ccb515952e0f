"""Addresses anybody may type. They are promises: people put them into their CVs."""

from django.urls import path, register_converter
from django.urls.converters import StringConverter

from prompts_app.views.public import (
    assertions,
    badge,
    blind,
    browse,
    cards,
    compare,
    feeds,
    fork,
    health,
    home,
    interview,
    oembed,
    pictures,
    profile,
    prompt,
    raw,
    result_list,
    results,
    shared,
    site,
    verify,
)


class HandleConverter(StringConverter):
    """Any case, so that a capital letter redirects instead of failing."""

    regex = "[A-Za-z0-9][A-Za-z0-9-]{2,29}"


class PromptSlugConverter(StringConverter):
    regex = "[A-Za-z0-9][A-Za-z0-9_-]{0,79}"


register_converter(HandleConverter, "handle")
register_converter(PromptSlugConverter, "prompt_slug")

urlpatterns = [
    path("", home.home, name="home"),
    path("evidence/", site.about_evidence, name="about_evidence"),
    path("assertions/", assertions.about_assertions, name="about_assertions"),
    path("prompts/", browse.browse, name="browse"),
    path("@<handle:handle>/", profile.profile, name="profile"),
    path("@<handle:handle>/card.png", cards.profile_card, name="profile_card"),
    path("@<handle:handle>/picture.webp", pictures.face, name="face"),
    path("@<handle:handle>/feed.atom", feeds.author_feed, name="author_feed"),
    path("@<handle:handle>/<prompt_slug:slug>/", prompt.prompt, name="prompt"),
    path("@<handle:handle>/<prompt_slug:slug>.md", raw.markdown, name="prompt_md"),
    path("@<handle:handle>/<prompt_slug:slug>.json", raw.bundle, name="prompt_json"),
    path("@<handle:handle>/<prompt_slug:slug>.messages.json", raw.messages, name="prompt_messages"),
    path("@<handle:handle>/<prompt_slug:slug>.promptfoo.yaml", raw.promptfoo, name="prompt_promptfoo"),
    path("@<handle:handle>/<prompt_slug:slug>.skill.zip", raw.skill, name="prompt_skill"),
    path("@<handle:handle>/<prompt_slug:slug>/card.png", cards.prompt_card, name="prompt_card"),
    path("@<handle:handle>/<prompt_slug:slug>/badge.svg", badge.badge, name="prompt_badge"),
    path("@<handle:handle>/<prompt_slug:slug>/v<int:number>/", prompt.version, name="version"),
    path("@<handle:handle>/<prompt_slug:slug>/results/", result_list.result_list, name="results"),
    path("@<handle:handle>/<prompt_slug:slug>/results/<slug:public_id>/", results.result, name="result"),
    path(
        "@<handle:handle>/<prompt_slug:slug>/results/<slug:public_id>/picture.webp",
        pictures.picture,
        name="result_picture",
    ),
    path(
        "@<handle:handle>/<prompt_slug:slug>/results/<slug:public_id>/thumbnail.webp",
        pictures.thumbnail,
        name="result_thumbnail",
    ),
    path(
        "@<handle:handle>/<prompt_slug:slug>/pictures/<slug:digest>.jpg",
        pictures.case_picture,
        name="case_picture",
    ),
    path(
        "@<handle:handle>/<prompt_slug:slug>/pictures/<slug:digest>/small.jpg",
        pictures.case_thumbnail,
        name="case_thumbnail",
    ),
    path("@<handle:handle>/<prompt_slug:slug>/interview/", interview.interview, name="interview"),
    path("@<handle:handle>/<prompt_slug:slug>/blind/", blind.blind, name="blind"),
    path("@<handle:handle>/<prompt_slug:slug>/blind/<slug:draw>/", blind.blind_pair, name="blind_pair"),
    path("@<handle:handle>/<prompt_slug:slug>/random/", results.random, name="random"),
    path("@<handle:handle>/<prompt_slug:slug>/fork/", fork.fork, name="fork"),
    path(
        "@<handle:handle>/<prompt_slug:slug>/compare/v<int:older>...v<int:newer>/",
        compare.compare,
        name="compare",
    ),
    path("@<handle:handle>/<prompt_slug:slug>/compare/<int:older>...<int:newer>/", compare.with_letters),
    path("@<handle:handle>/<prompt_slug:slug>/runs/<slug:public_id>.json", verify.record, name="run_record"),
    path("s/<slug:token>/", shared.shared, name="shared"),
    path("s/<slug:token>/<path:place>", shared.shared_page, name="shared_page"),
    path("feed.atom", feeds.site_feed, name="site_feed"),
    path("oembed", oembed.oembed, name="oembed"),
    path("verify/", verify.verify_page, name="verify"),
    path(".well-known/jwks.json", verify.jwks, name="jwks"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("favicon.ico", site.favicon, name="favicon"),
    path("robots.txt", site.robots, name="robots"),
    path("sitemap.xml", site.sitemap, name="sitemap"),
    path("sitemap-<slug:part>.xml", site.sitemap_part, name="sitemap_part"),
]
