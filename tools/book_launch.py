"""A chapter's links to where its notebook can be worked on: the repository, Binder, Colab; plain links alone.

Off until pyproject.toml names the repository (`dlcourse.course.repository`). The theme's own buttons would
open the executed notebooks, with their solutions; these open the students'.
"""

from pathlib import Path

from dlcourse.course import repository

ICONS = {"Binder": "_static/images/logo_binder.svg", "Colab": "_static/images/logo_colab.png"}


def buttons(found, slug):
    """The group of links as the theme's header wants it."""
    launch = [
        {
            "type": "link",
            "text": name,
            "tooltip": f"Work on this chapter on {name}",
            "url": url,
            "icon": ICONS[name],
        }
        for name, url in repository.links(found, slug).items()
    ]
    words = {"text": "Repository", "tooltip": "The course's sources", "icon": "fas fa-code-branch"}
    launch.append({"type": "link", "url": found, "label": "source-repository-button", **words})
    return {
        "type": "group",
        "tooltip": "Work on this chapter elsewhere",
        "icon": "fas fa-rocket",
        "buttons": launch,
        "label": "launch-buttons",
    }


def add_buttons(app, pagename, templatename, context, doctree):
    found = repository.address(Path(app.srcdir))
    if found and pagename.startswith("notebooks/"):
        context["header_buttons"].insert(0, buttons(found, pagename.removeprefix("notebooks/")))


def setup(app):
    app.connect("html-page-context", add_buttons, priority=502)  # when the theme has made its own
