"""The repository in which MLServer finds artifacts and their versions."""

import asyncio
import logging
from collections.abc import Collection, Sequence
from pathlib import Path

from mlserver import ModelSettings
from mlserver.errors import MLServerError, ModelNotFound
from mlserver.repository import ModelRepository
from mlserver.settings import ModelParameters

from mtl_keras.errors import ConfigError, MTLError
from mtl_keras.export import artifact
from mtl_keras.serving.loaded import Loaded
from mtl_keras.serving.runtime import Runtime

logger = logging.getLogger("mlserver")

AllSettings = list[ModelSettings]


class Artifacts(ModelRepository):
    """The newest versions of artifacts, as a `model_repository_implementation` of MLServer.

    Args:
        root: An artifact, or a folder of artifacts. Not used if `artifacts` are given.
        artifacts: The artifacts, each served under the name of its folder.
        versions: Number of the newest versions of each artifact to serve side by side. Default 2.
        trusted: See `Predictor`.

    Raises:
        ArtifactError: if there is no model.
        ConfigError: if two artifacts have the same name.

    Example:

    >>> import asyncio
    >>> models = Artifacts(artifacts=["saved_models/customers"])  # doctest: +SKIP
    >>> [settings.name for settings in asyncio.run(models.list())]  # doctest: +SKIP
    """

    def __init__(
        self,
        root: str = "",
        artifacts: Sequence[str | Path] = (),
        versions: int = 2,
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
        self._loaded: dict[Path, Loaded] = {}

    @property
    def names(self) -> list[str]:
        """The names of the artifacts."""
        return list(self._folders)

    async def list(self) -> AllSettings:
        """Return settings for each version to serve, oldest first."""
        return [_settings(path) for name in self.names for path in self._newest(name)]

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
        served, failed = await self.loadable(name)
        try:
            newest = artifact.latest(self._folders[name])
        except MTLError as error:
            raise MLServerError(str(error)) from error
        if newest in failed:
            raise MLServerError(str(failed[newest]))
        return served

    async def loadable(self, name: str) -> tuple[AllSettings, dict[Path, MTLError]]:
        """Return the newest versions that can be loaded, and why others cannot."""
        paths = [self._folders[name] / str(n) for n in artifact.versions(self._folders[name])]
        loaded: dict[Path, Loaded] = {}
        failed: dict[Path, MTLError] = {}
        for path in reversed(paths):
            if len(loaded) == self._versions:
                break
            try:
                if path in self._loaded:
                    loaded[path] = self._loaded[path]
                else:
                    loaded[path] = await asyncio.to_thread(Loaded.of, path, self._trusted)
            except MTLError as error:
                logger.error("%s is not served: %s", path, error)
                failed[path] = error
        others = {p: m for p, m in self._loaded.items() if p.parent != self._folders[name]}
        self._loaded = others | loaded
        return [_settings(path, loaded[path]) for path in reversed(loaded)], failed

    def _newest(self, name: str) -> Sequence[Path]:
        folder = self._folders[name]
        return [folder / str(number) for number in artifact.versions(folder)[-self._versions :]]


def _found(root: Path) -> Sequence[Path]:
    if artifact.is_model(root) or not root.is_dir():
        return [root]
    return sorted(folder for folder in root.iterdir() if artifact.is_model(folder)) or [root]


def _settings(version: Path, loaded: Loaded | None = None) -> ModelSettings:
    return ModelSettings(
        implementation=Runtime,
        name=version.parent.name,
        platform="mtl_keras",
        parameters=ModelParameters(
            uri=str(version), version=version.name, extra={"loaded": loaded} if loaded else {}
        ),
    )
