"""The self-contained HTML report of a run, the overview of a home, and the cards in Markdown.

`content` is plain data, which `flows` fills; `page` and `overview` turn it into HTML by the templates
beside this file, `card`, `pairs_card` and `training_card` into `card.md`. Which students are marked as
the best is decided in `best`, by the intervals of `differences`.
"""
