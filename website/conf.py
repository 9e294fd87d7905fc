"""Sphinx's settings: pages are Markdown, and nothing is loaded from elsewhere when one is read."""

project = "kdm-offline"
html_title = "kdm-offline"
language = "en"
root_doc = "index"
extensions = ["myst_parser"]
nitpicky = True  # a reference that leads nowhere is a warning, and `make docs` fails on any
nitpick_ignore_regex = [("py:.*", ".*")]  # but types of libraries in signatures have no page here
maximum_signature_line_length = 100
highlight_language = "text"  # of code without a language
smartquotes = False  # "--until" isn't a dash

# Headings get the anchors that GitHub gives them, so one link works in both places.
myst_heading_anchors = 5
myst_enable_extensions = ["html_image", "attrs_block"]

html_theme = "furo"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
html_show_copyright = False
