"""A study with human raters: which of two collages looks more realistic (App. E.4).

`collages` makes the questions, `rater_page` the one file that raters get, `score` reads what they send back.
"""
