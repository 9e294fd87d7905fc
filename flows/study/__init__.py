"""Studies: what varies and what is measured, as data; one runner makes their points, a page shows them."""
