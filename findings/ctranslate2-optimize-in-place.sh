#!/usr/bin/env bash
# ctranslate2 4.8.5: `spec.optimize(quantization="int8")` writes over the float arrays that the spec was filled with.
#
# Who meets it: whoever fills a TransformerSpec from a net in memory (`layer.weight = tensor.numpy()`), quantises it, and goes on using the net,
# to compare both or to export it once more: the net's own matrices are other numbers by then.
# A guess before it was run: quantising makes new arrays of bytes and scales, and the float arrays that were handed over stay as they were.
# Seen: the same memory holds the matrix times its scales: the largest number of each row is 127, in float32.  Quantising to float16, and
# optimising without quantising, leave them.  A float64 matrix is left too, since it is converted first.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install -q --disable-pip-version-check ctranslate2==4.8.5 numpy==2.3.5
"$folder/env/bin/python" - <<'PY'
import ctranslate2
import numpy as np
from ctranslate2.specs.common_spec import LinearSpec

assert ctranslate2.__version__ == "4.8.5"
for dtype, kind in (("float32", "int8"), ("float32", "float16"), ("float32", None), ("float64", "int8")):
    weight = np.random.default_rng(0).standard_normal((4, 8)).astype(dtype)
    before = weight.copy()
    spec = LinearSpec()
    spec.weight = weight
    spec.validate()
    spec.optimize(quantization=kind)
    changed = not np.array_equal(weight, before)
    scaled = bool(np.allclose(abs(weight).max(1), 127))
    print(f"{dtype} to {kind}: changed {changed}, rows up to 127 {scaled}")
    assert (changed, scaled) == (((dtype, kind) == ("float32", "int8")),) * 2
print("as described")
PY
