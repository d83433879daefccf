"""Files of other projects that we ship: where they come from, and that they are unchanged."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import tarfile
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings

Manifest = dict[str, Any]

SHAPE = re.compile(r"<svg[^>]*>(.*)</svg>", re.DOTALL)


def manifest_path() -> Path:
    return Path(settings.BASE_DIR) / "static" / "vendor" / "VENDOR.toml"


def read_manifest() -> Manifest:
    return tomllib.loads(manifest_path().read_text())


def listed_files(manifest: Manifest) -> Iterator[tuple[Path, str]]:
    """Yield each file that the manifest lists, with the hash it should have."""
    root = Path(settings.BASE_DIR)
    for library in manifest["library"]:
        for file in library["file"]:
            yield root / library["folder"] / file["path"], file["sha256"]
    yield root / manifest["icons"]["sprite"], manifest["icons"]["sha256"]


def sha256_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def unpack(package: str, version: str, folder: Path) -> Path:
    """Fetch an npm package with npm's own client and return its unpacked folder."""
    npm = shutil.which("npm") or "npm"
    target = folder / package.replace("/", "-")
    target.mkdir()
    command = [npm, "pack", "--silent", f"{package}@{version}"]
    subprocess.run(command, cwd=target, check=True, timeout=300)  # noqa: S603  # our own list
    with tarfile.open(next(target.glob("*.tgz"))) as archive:
        archive.extractall(target, filter="data")
    return target / "package"


def fetch_libraries(manifest: Manifest, folder: Path) -> None:
    """Copy the listed files of every library into place."""
    for library in manifest["library"]:
        source = unpack(library["package"], library["version"], folder)
        target = Path(settings.BASE_DIR) / library["folder"]
        target.mkdir(parents=True, exist_ok=True)
        for file in library["file"]:
            shutil.copyfile(source / file["source"], target / file["path"])


def build_sprite(manifest: Manifest, folder: Path) -> None:
    """Write the one file that holds our icons, each as a <symbol>."""
    icons = manifest["icons"]
    source = unpack(icons["package"], icons["version"], folder)
    licence = Path(settings.BASE_DIR) / icons["licence_file"]
    licence.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source / "LICENSE", licence)
    symbols = [symbol(name, source / "icons" / f"{name}.svg") for name in sorted(icons["names"])]
    note = f"<!-- Icons of Lucide {icons['version']}, licence ISC: {icons['licence_file']} -->"
    lines = ['<svg xmlns="http://www.w3.org/2000/svg">', note, *symbols, "</svg>", ""]
    (Path(settings.BASE_DIR) / icons["sprite"]).write_text("\n".join(lines))


def symbol(name: str, path: Path) -> str:
    found = SHAPE.search(path.read_text())
    if found is None:
        raise ValueError(f"{path} is not an SVG picture.")
    shapes = " ".join(found.group(1).split())
    return f'<symbol id="{name}" viewBox="0 0 24 24">{shapes}</symbol>'


def write_hashes() -> None:
    """Fill in the hashes of the files as they are now, in the order in which they are listed."""
    text = manifest_path().read_text()
    hashes = iter([sha256_of(path) for path, _ in listed_files(read_manifest())])
    text = re.sub(r'sha256 = "[^"]*"', lambda _: f'sha256 = "{next(hashes)}"', text)
    manifest_path().write_text(text)
