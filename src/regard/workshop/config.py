"""The config of a run, and how to read one.

The schema stands in `config_schema.py`, what its keys demand of each other in `config_checks.py`, reading and errors in
`config_file.py`, the YAML in `config_yaml.py`, the words of attentions and tokenizers in `words.py`, the page in `config_docs.py`.
"""

from regard.workshop.config_file import load_config as load_config
from regard.workshop.config_file import read_config as read_config
from regard.workshop.config_file import with_values as with_values
from regard.workshop.config_schema import AttentionSection as AttentionSection
from regard.workshop.config_schema import Config as Config
from regard.workshop.config_schema import DataSection as DataSection
from regard.workshop.config_schema import DecodeSection as DecodeSection
from regard.workshop.config_schema import ModelSection as ModelSection
from regard.workshop.config_schema import TrainSection as TrainSection
