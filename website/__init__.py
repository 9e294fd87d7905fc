"""The documentation as a site: pages of docs/, and pages made from the code, for Sphinx to build.

`python -m website FOLDER` writes the pages; `make docs` also builds them, into build/docs/html.
"""
