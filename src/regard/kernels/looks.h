#pragma once
#include "kernels.h"
static void gathered(const bool *seen, const float *values, float *share, float *out, int64_t K, int64_t E) {
    float most = -INFINITY, total = 0.0f;
    for (int64_t k = 0; k < K; k++) if (seen[k]) most = share[k] > most || share[k] != share[k] ? share[k] : most;
    for (int64_t k = 0; k < K; k++) if (seen[k]) { vec e = exp_of(all(share[k] - most)); share[k] = e[0]; total += share[k]; }
    memset(out, 0, sizeof(float) * (size_t)E);
    for (int64_t k = 0; k < K; k++) if (seen[k]) {
        vec part = all(share[k] / total);
        const float *v = values + k * E;
        OVER(E, { vec_to(out + d, vec_at(out + d, left) + part * vec_at(v + d, left), left); });
    }
}
static float dot_of(const float *x, const float *y, int64_t D) { vec s = all(0.0f); OVER(D, { s += vec_at(x + d, left) * vec_at(y + d, left); }); return sum_lanes(s); }
static void look(const float *query, const float *keys, const bool *seen, const float *values, float scale, float *share, float *out, int64_t K, int64_t D, int64_t E) {
    for (int64_t k = 0; k < K; k++) if (seen[k]) share[k] = dot_of(query, keys + k * D, D) * scale;
    gathered(seen, values, share, out, K, E);
}
static void look_by_tanh(const float *query, const float *v, const float *keys, const bool *seen, const float *values, float *share, float *out, int64_t K, int64_t D, int64_t E) {
    for (int64_t k = 0; k < K; k++) if (seen[k]) { vec s = all(0.0f); OVER(D, { s += vec_at(v + d, left) * tanh_quick(vec_at(query + d, left) + vec_at(keys + k * D + d, left)); }); share[k] = sum_lanes(s); }
    gathered(seen, values, share, out, K, E);
}
