"""Which trackers somebody chose: plugins whose packages are installed, or one sentence that says why not."""

from collections.abc import Iterable, Sequence
from importlib.util import find_spec
from typing import Any

from kdm.trackers.tracker import GROUP, TrackerPlugin
from storage.plugins import configure


def chosen_trackers(choices: Sequence[Any]) -> tuple[TrackerPlugin, ...]:
    """The trackers of these names (or `{"plugin": name, **options}`), in order.

    Raises a ValueError for an unknown name, one that comes twice, options that don't fit, and a package
    that isn't installed. Nothing of the packages is imported.
    """
    trackers = tuple(_configured(each) for each in choices)
    require_each_once(trackers)
    require_installed(trackers)
    return trackers


def require_each_once(trackers: Iterable[TrackerPlugin]) -> None:
    """Raise a ValueError if two trackers have one name."""
    names = [each.plugin for each in trackers]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"tracker '{name}' is given {names.count(name)} times; give it once")


def require_installed(trackers: Iterable[TrackerPlugin]) -> None:
    """Raise a ValueError, naming the extra, if a tracker's package isn't installed."""
    for each in trackers:
        if each.package and find_spec(each.package) is None:
            source = f"'kdm-offline[{each.extra}]'" if each.extra else each.package
            raise ValueError(
                f"tracker '{each.plugin}' needs the package {each.package}, which isn't installed: "
                f"pip install {source}, or leave '{each.plugin}' out of the trackers"
            )


def _configured(choice: Any) -> TrackerPlugin:
    plugin = configure(GROUP, choice)
    if not isinstance(plugin, TrackerPlugin):
        raise ValueError(f"'{plugin.plugin}' of {GROUP} isn't a tracker; correct that package")
    return plugin
