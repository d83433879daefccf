"""Static files under names that hold their hash, so that they may be cached for ever."""

from __future__ import annotations

from whitenoise.storage import CompressedManifestStaticFilesStorage


class HashedStaticFilesStorage(CompressedManifestStaticFilesStorage):
    """Also rewrites ``import "./x.js"`` in our modules to the hashed name."""

    support_js_module_import_aggregation = True
    # Each pass follows imports by one module; the player's are more than the usual five deep.
    max_post_process_passes = 20
