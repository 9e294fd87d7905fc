"""Commands of two words beside one of the first alone: `evaluate RECIPE`, `evaluate reference DATA`."""

from typing import Any

from typer.core import TyperGroup


class TwoWords(TyperGroup):
    """Takes two words for one command's name if there is one of that name."""

    # Typer brings its own click, or uses the package, by release: their classes can't be named here.
    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Click's, of the longest name."""
        name = " ".join(args[:2])
        command = self.get_command(ctx, name) if len(args) > 1 else None
        return (name, command, args[2:]) if command else super().resolve_command(ctx, args)
