#!/usr/bin/env bash
# Installs the peers that the benchmarks compare with, each in an environment of its own: benchmarks/peers/install.sh [FOLDER]
#
# All get the same torch.  OpenNMT-py asks for an older one (and its CUDA build), so its dependencies are named here.
set -euo pipefail
folder="${1:-$(dirname "$0")/environments}"
torch="torch==2.13.0"
mkdir -p "$folder"

python3 -m venv "$folder/joey"
"$folder/joey/bin/pip" install -q "$torch"
"$folder/joey/bin/pip" install -q "joeynmt==2.3.0" importlib_metadata # it imports the second without saying so

python3 -m venv "$folder/onmt"
"$folder/onmt/bin/pip" install -q "$torch"
"$folder/onmt/bin/pip" install -q --no-deps "OpenNMT-py==3.5.1"
"$folder/onmt/bin/pip" install -q configargparse "ctranslate2>=4,<5" tensorboard flask waitress pyonmttok pyyaml sacrebleu rapidfuzz \
    pyahocorasick fasttext-wheel spacy six

python3 -m venv "$folder/trainer"
"$folder/trainer/bin/pip" install -q "$torch" "transformers==5.24.0" "accelerate==1.15.0"

# Into a folder, for the benchmark's own Python: its extension asks for numpy alone.
python3 -m pip install -q --target "$folder/ctranslate2" --no-deps "ctranslate2==4.8.5"

"$folder/joey/bin/python" -m joeynmt --help >/dev/null && "$folder/onmt/bin/onmt_train" --help >/dev/null
echo "installed in $folder"
