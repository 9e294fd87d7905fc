"""Which trackers somebody chose: plugins whose packages are installed, or one sentence that says why not."""

from collections.abc import Iterable, Mapping, Sequence
from importlib.util import find_spec
from typing import Any

from kdm.trackers.tracker import GROUP, TrackerPlugin
from storage.did_you_mean import nearest
from storage.plugins import configure, plugin_names


def chosen_trackers(choices: Sequence[Any]) -> tuple[TrackerPlugin, ...]:
    """The trackers of these names (or `{"plugin": name, **options}`), in order.

    Raises a ValueError for an unknown name, one that comes twice, options that don't fit, and a package
    that isn't installed. Nothing of the packages is imported.
    """
    trackers = known_trackers(choices)
    require_installed(trackers)
    return trackers


def known_trackers(choices: Any) -> tuple[TrackerPlugin, ...]:
    """The same, whether their packages are installed or not."""
    are_several = isinstance(choices, list | tuple)
    names = [_name(each) for each in choices] if are_several else choices
    known_names(names)
    return tuple(_configured(each) for each in choices)


def known_names(names: object) -> tuple[str, ...]:
    """Names of trackers; a ValueError unless there are such trackers, and each is named once."""
    if not isinstance(names, list | tuple) or not all(isinstance(each, str) for each in names):
        raise ValueError(f"trackers is {str(names)[:80]}; give names, as ['tensorboard'], or []")
    known = plugin_names(GROUP)
    for name in names:
        if name not in known:
            raise ValueError(f"no tracker '{name[:80]}'; {nearest(name[:80], known)}")
    _require_each_once(names)
    return tuple(names)


def require_each_once(trackers: Iterable[TrackerPlugin]) -> None:
    """Raise a ValueError if two trackers have one name."""
    _require_each_once([each.plugin for each in trackers])


def require_installed(trackers: Iterable[TrackerPlugin]) -> None:
    """Raise a ValueError, naming the extra, if a tracker's package isn't installed."""
    for each in trackers:
        if each.package and find_spec(each.package) is None:
            source = f"'kdm-offline[{each.extra}]'" if each.extra else each.package
            raise ValueError(
                f"tracker '{each.plugin}' needs the package {each.package}, which isn't installed: "
                f"pip install {source}, or leave '{each.plugin}' out of the trackers"
            )


def _require_each_once(names: Sequence[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"tracker '{name}' is given {names.count(name)} times; give it once")


def _name(choice: Any) -> Any:
    if isinstance(choice, TrackerPlugin):
        return choice.plugin
    return choice.get("plugin") if isinstance(choice, Mapping) else choice


def _configured(choice: Any) -> TrackerPlugin:
    plugin = configure(GROUP, choice)
    if not isinstance(plugin, TrackerPlugin):
        raise ValueError(f"'{plugin.plugin}' of {GROUP} isn't a tracker; correct that package")
    return plugin
