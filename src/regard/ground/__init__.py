"""Where errors lay in version 0.1.0; the package is `regard.core` now."""
