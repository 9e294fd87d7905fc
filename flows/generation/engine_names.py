"""The names of engines: `--on threads`, `processes`, `dask` or `dask://HOST:PORT`."""

from importlib.util import find_spec

from storage.did_you_mean import nearest

ENGINES = ("threads", "processes", "dask")
DASK_ADDRESS = "dask://"
_PROTOCOLS = ("tcp://", "tls://", "ws://", "wss://")


def require_engine(name: str) -> None:
    """Raise a ValueError, before any work, unless `--on` names an engine that is installed."""
    if not name or name in ("threads", "processes"):
        return
    if name != "dask" and scheduler_of(name) is None:
        raise ValueError(
            f"--on {name[:80]}: {nearest(name, list(ENGINES))}; a Dask cluster is named by its "
            "scheduler, as in dask://host:8786"
        )
    if find_spec("distributed") is None:
        raise ValueError(f"--on {name}: Dask isn't installed; pip install 'kdm-offline[dask]'")


def scheduler_of(name: str) -> str | None:
    """The address of a Dask scheduler as its client takes it; None if the name isn't one."""
    if name.startswith(DASK_ADDRESS) and len(name) > len(DASK_ADDRESS):
        return f"tcp://{name.removeprefix(DASK_ADDRESS)}"
    return name if name.startswith(_PROTOCOLS) else None
