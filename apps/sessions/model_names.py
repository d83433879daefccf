"""Names of models as people read them: a dated name is a version of the plain one."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

# What providers put behind a model's name: 2024-11-20, 20241022, @20240620, 0613, 001, latest.
VERSION = re.compile(r"[-@:](\d{4}-\d{2}-\d{2}|\d{8}|\d{3,4}|latest)$")


@dataclass
class NamedModel:
    """A model that was asked for, and the versions that answered in its name."""

    name: str
    versions: list[str] = field(default_factory=list)

    @property
    def title(self) -> str:
        return ", ".join(self.versions) or self.name


def grouped(names: Iterable[str]) -> list[NamedModel]:
    """Return each model once; a version beside its plain name only as one of its versions."""
    known = sorted(set(names))
    models = {name: NamedModel(name) for name in known if VERSION.sub("", name) not in known}
    models |= {name: NamedModel(name) for name in known if VERSION.sub("", name) == name}
    for name in known:
        if name not in models:
            models[VERSION.sub("", name)].versions.append(name)
    return sorted(models.values(), key=lambda model: model.name)
