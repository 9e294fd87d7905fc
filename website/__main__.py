"""`python -m website FOLDER`: the sources of the site, for Sphinx (`make docs`)."""

import sys
from pathlib import Path

from website.write import write_site

if __name__ == "__main__":
    try:
        write_site(Path(sys.argv[1]))
    except ValueError as error:  # a page is wrong, and the sentence says where
        sys.exit(f"error: {error}")
