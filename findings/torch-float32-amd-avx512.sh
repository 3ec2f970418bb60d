#!/usr/bin/env bash
# torch 2.13.0 (CPU wheel): on an AMD processor with AVX-512 every float32 `F.linear` and `@` runs at half the speed that another operation
# of the same wheel reaches.
#
# Who meets it: whoever trains in float32 on a rented AMD machine (Zen 4, Zen 5), or compares engines there: PyTorch looks slow, and is not.
# A guess before it was run: MKL's old habit of taking slow ways on AMD is over since its versions of 2020, which have kernels for Zen; what
# PyTorch reports, `torch.backends.cpu.get_cpu_capability()` = AVX512, holds for products too; and oneDNN's `mkldnn._linear_pointwise` gains a few per cent.
# Seen: MKL (2024.0) does not count the processor among those with AVX-512 and multiplies by a kernel of half the width; oneDNN, in the same
# process, says avx512_core.  1,024 x 1,024 x 1,024 on one thread: 56 and 125 billion products a second of a Zen 5.  bfloat16 goes by oneDNN
# anyway and is not touched by this.  Where the processor is another one, nothing is asserted.
set -euo pipefail
if ! grep -q AuthenticAMD /proc/cpuinfo || ! grep -qw avx512f /proc/cpuinfo; then
    echo "not an AMD processor with AVX-512: not tried"
    exit 0
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install -q --disable-pip-version-check torch==2.13.0 numpy==2.3.5
export OMP_NUM_THREADS=1
MKL_VERBOSE=1 "$folder/env/bin/python" -c "import torch; x = torch.randn(256, 256); x @ x" >"$folder/mkl"
ONEDNN_VERBOSE=1 "$folder/env/bin/python" -c "import torch; x = torch.randn(256, 256); torch.ops.mkldnn._linear_pointwise(x, x, None, 'none', [], '')" >"$folder/onednn"
head -1 "$folder/mkl"
grep -m1 "exec,cpu" "$folder/onednn"
if grep -q "Vector Extensions 512" "$folder/mkl"; then echo "MKL takes AVX-512 now" && exit 1; fi
grep "exec,cpu" "$folder/onednn" | grep -q avx512_core
"$folder/env/bin/python" - <<'PY'
import statistics
import time

import torch
import torch.nn.functional as F

assert torch.__version__.split("+")[0] == "2.13.0" and torch.backends.cpu.get_cpu_capability() == "AVX512"
x, w = torch.randn(1024, 1024), torch.randn(1024, 1024)


def median(call):
    taken = []
    for _ in range(17):
        began = time.perf_counter()
        call()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken[2:])


other = lambda: torch.ops.mkldnn._linear_pointwise(x, w, None, "none", [], "")
torch.testing.assert_close(F.linear(x, w), other(), rtol=1e-4, atol=1e-3)
slow, quick = median(lambda: F.linear(x, w)), median(other)
print(f"F.linear {1.074 / slow:.0f}, mkldnn._linear_pointwise {1.074 / quick:.0f} billion products a second: {slow / quick:.2f} times")
assert slow > 1.5 * quick
print("as described")
PY
