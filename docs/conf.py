"""How Sphinx builds the documentation: MyST Markdown in, furo out, every warning an error (``make docs``)."""

from importlib.metadata import version as installed_version

project = "AutoSync"
author = "AutoSync contributors"
copyright = "AutoSync contributors"
release = installed_version("autosync-identity")
version = release

extensions = ["myst_parser"]
myst_enable_extensions = ["colon_fence", "deflist", "fieldlist"]
myst_heading_anchors = 3
source_suffix = {".md": "markdown"}
exclude_patterns: list[str] = []
nitpicky = True

html_theme = "furo"
html_title = "AutoSync"
html_copy_source = False
html_show_sphinx = False
