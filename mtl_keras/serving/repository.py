"""The repository in which MLServer finds artifacts and their versions."""

import asyncio
import logging
from collections.abc import Collection, MutableMapping, Sequence
from pathlib import Path
from typing import ClassVar
from weakref import WeakValueDictionary

from mlserver import ModelSettings
from mlserver.errors import MLServerError, ModelNotFound
from mlserver.repository import ModelRepository
from mlserver.settings import ModelParameters

from mtl_keras.errors import ArtifactError, ConfigError, MTLError
from mtl_keras.export import artifact
from mtl_keras.serving.loaded import Loaded
from mtl_keras.serving.middleware import MEGABYTE
from mtl_keras.serving.mlserver_private import guard
from mtl_keras.serving.runtime import Runtime

logger = logging.getLogger("mlserver")

AllSettings = list[ModelSettings]


class Artifacts(ModelRepository):
    """The newest versions of artifacts, as a `model_repository_implementation` of MLServer.

    MLServer makes its repository before its servers. So this is where those are told to refuse
    what MLServer itself would not: see `mlserver_private.guard`.

    Args:
        root: An artifact, or a folder of artifacts. Not used if `artifacts` are given.
        artifacts: The artifacts, each served under the name of its folder.
        versions: Number of the newest versions of each artifact to serve side by side. Default 2.
        largest_request: The largest body of a request over HTTP, in MB. Default 16.
        trusted: See `Predictor`.

    Raises:
        ArtifactError: if there is no model.
        ConfigError: if two artifacts have the same name.

    Example:

    >>> import asyncio
    >>> models = Artifacts(artifacts=["saved_models/customers"])  # doctest: +SKIP
    >>> [settings.name for settings in asyncio.run(models.list())]  # doctest: +SKIP
    """

    _loaded: ClassVar[MutableMapping[Path, Loaded]] = WeakValueDictionary()
    """What is in memory, by version. `mlserver start` makes two repositories, one after another."""

    def __init__(
        self,
        root: str = "",
        artifacts: Sequence[str | Path] = (),
        versions: int = 2,
        largest_request: float = 16.0,
        trusted: Collection[str] = (),
    ) -> None:
        folders = [Path(folder).resolve() for folder in artifacts or _found(Path(root))]
        self._folders: dict[str, Path] = {}
        for folder in folders:
            artifact.latest(folder)  # there is one
            if not artifact.versions(folder):
                raise ConfigError(
                    f"{folder} is one version of a model. Name the model: {folder.parent}"
                )
            if self._folders.setdefault(folder.name, folder) != folder:
                raise ConfigError(
                    f"{self._folders[folder.name]} and {folder} would both be served as "
                    f"{folder.name!r}. Rename one of the folders."
                )
        self._versions, self._trusted = versions, trusted
        guard(int(largest_request * MEGABYTE))

    @property
    def names(self) -> list[str]:
        """The names of the artifacts."""
        return list(self._folders)

    async def list(self) -> AllSettings:
        """Return settings for each version to serve, oldest first.

        MLServer calls this when it starts, and then only gets versions that can be loaded; and
        later, to list the versions.

        Raises:
            ArtifactError: if no version of an artifact can be loaded at the start.
        """
        settings: AllSettings = []
        for name in self.names:
            if name in Runtime.served:
                settings += [_settings(path) for path in self._newest(name)]
                continue
            loadable, failed = await self._loadable(name)
            if not loadable:
                why = next(iter(failed.values()))
                raise ArtifactError(f"No version of {name!r} can be loaded. {why}")
            settings += loadable
        return settings

    async def find(self, name: str) -> AllSettings:
        """Load the versions of an artifact, and return settings for them.

        MLServer calls this when it is told to load a model, and serves them at once, in place of
        the previous ones.

        Raises:
            MLServerError: if the newest version cannot be loaded; the previous ones are still
                served.
        """
        if name not in self._folders:
            raise ModelNotFound(name)
        served, failed = await self._loadable(name)
        try:
            newest = artifact.latest(self._folders[name])
        except MTLError as error:
            raise MLServerError(str(error)) from error
        if newest in failed:
            raise MLServerError(str(failed[newest]))
        return served

    async def _loadable(self, name: str) -> tuple[AllSettings, dict[Path, MTLError]]:
        """Load the newest versions; return those that can be loaded, and why others cannot.

        One that is in memory is loaded again if another model has taken its place.
        """
        paths = [self._folders[name] / str(n) for n in artifact.versions(self._folders[name])]
        loaded: dict[Path, Loaded] = {}
        failed: dict[Path, MTLError] = {}
        for path in reversed(paths):
            if len(loaded) == self._versions:
                break
            try:
                version = self._loaded.get(path)
                if version is None or version.model.schema != artifact.read_schema(path):
                    version = await asyncio.to_thread(Loaded.of, path, self._trusted)
                loaded[path] = version
            except MTLError as error:
                logger.error("%s is not served: %s", path, error)
                failed[path] = error
        self._loaded.update(loaded)
        return [_settings(path, loaded[path]) for path in reversed(loaded)], failed

    def _newest(self, name: str) -> Sequence[Path]:
        folder = self._folders[name]
        return [folder / str(number) for number in artifact.versions(folder)[-self._versions :]]


def _found(root: Path) -> Sequence[Path]:
    if artifact.is_model(root) or not root.is_dir():
        return [root]
    return artifact.models_in(root) or [root]


def _settings(version: Path, loaded: Loaded | None = None) -> ModelSettings:
    return ModelSettings(
        implementation=Runtime,
        name=version.parent.name,
        parallel_workers=0,
        platform="mtl_keras",
        parameters=ModelParameters(
            uri=str(version), version=version.name, extra={"loaded": loaded} if loaded else {}
        ),
    )
