"""The words of a line as bash hands them to a completion, put together again as they were typed.

Bash also parts words at '=' and ':' (its COMP_WORDBREAKS), so that `--home=s3://bucket` is five words there.
Typer would take them for five arguments, and offer nothing.
"""

from collections.abc import MutableMapping

_BREAKS = {"=", ":"}


def rejoin_words(environment: MutableMapping[str, str]) -> None:
    """Change COMP_WORDS and COMP_CWORD in place; words behind the one to complete are left out."""
    if not {"COMP_WORDS", "COMP_CWORD"} <= environment.keys():
        return  # another shell asks, or another version of the script
    words = environment["COMP_WORDS"].split("\n")[: int(environment["COMP_CWORD"]) + 1]
    typed: list[str] = []
    follows_break = False
    for word in words:
        is_break = bool(word) and set(word) <= _BREAKS
        if typed and (is_break or follows_break):
            typed[-1] += word
        else:
            typed.append(word)
        follows_break = is_break
    environment["COMP_WORDS"] = "\n".join(typed)
    environment["COMP_CWORD"] = str(len(typed) - 1)
