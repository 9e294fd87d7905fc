"""All pages that are made from the code, with a page of contents for each kind."""

from website import command_pages, names, options

ROWS = (
    "| [Options](options/index.md) | Which keys may a recipe have, and what are their defaults? |",
    "| [Command line](command-line/index.md) | Which arguments and options has each command? |",
    "| [Python names](api/index.md) | Which names may my own code use, and what do they take and give? |",
)
_ABOUT = {
    options.FOLDER: (
        "Options",
        "Which keys may a recipe have, and what are their defaults? These pages are made from the code "
        "that reads a recipe. [Recipes](../recipes.md) explains how they go together.",
    ),
    command_pages.FOLDER: (
        "Command line",
        "Which arguments and options has each command? These pages are made from the program itself; "
        "`kdm COMMAND --help` prints the same. [Commands](../commands.md) shows what each is for.",
    ),
    names.FOLDER: (
        "Python names",
        "Which names may my own code use, and what do they take and give? These pages are made from the "
        "docstrings. [Plugins](../plugins.md) and [Reading pairs](../reading.md) show them at work.",
    ),
}


def made_pages() -> dict[str, str]:
    """Every page by its place on the site."""
    kinds = (options.option_pages(), command_pages.command_pages(), names.name_pages())
    contents = {
        f"{folder}/index.md": _contents(folder, [*pages])
        for folder, pages in zip(_ABOUT, kinds, strict=True)
    }
    return {place: text for pages in (contents, *kinds) for place, text in pages.items()}


def _contents(folder: str, pages: list[str]) -> str:
    title, about = _ABOUT[folder]
    listed = "\n".join(page.removeprefix(f"{folder}/").removesuffix(".md") for page in pages)
    return f"# {title}\n\n{about}\n\n```{{toctree}}\n{listed}\n```\n"
