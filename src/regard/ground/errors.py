"""The name by which a class of a user's refused a config in version 0.1.0; `regard.ConfigError` is the same."""

from regard.core.errors import ConfigError as ConfigError
