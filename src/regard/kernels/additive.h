/* v . tanh(q + k) of all pairs, and its gradients: see `attention/kernels/tanh.py`.
 *
 * Sums make two divisions in one, u / x + w / y = (u y + w x) / (x y).  Pairs that are not near take tanh itself.
 */
#pragma once

#include "kernels.h"

enum { CHUNK = 256 };  /* queries whose sums over keys are gathered apart: as many as `attention/kernels/tanh_loops.py` has room for */

/* x "R T D": e^{2x}, and whether a row's numbers are all at most n[0] in size. */
KERNEL_IN_PIECES(exponentials) {
    GIVEN;
    int64_t D = SIZE(0, 2);
    for (int64_t r = first; r < last; r++) {
        const float *x = FLOATS(0) + r * D;
        float *e = FLOATS(1) + r * D;
        ints far = {0};
        OVER(D, {
            vec v = vec_at(x + d, left), size = choose(v < all(0.0f), -v, v);
            far |= ~(size <= all((float)n[0]));  /* what is not a number is not near */
            vec_to(e + d, exp_of(v + v), left);
        });
        ((bool *)a[2].at)[r] = !any_lane(far);
    }
}

static float near_score(const float *e_q, const float *e_k, const float *w, int64_t D, float whole) {
    int64_t half = D / 2 / LANES * LANES;
    vec sum = all(0.0f);
    for (int64_t d = 0; d < half; d += LANES) {
        vec x = all(1.0f) + load(e_q + d) * load(e_k + d), y = all(1.0f) + load(e_q + half + d) * load(e_k + half + d);
        sum += (load(w + d) * y + load(w + half + d) * x) * one_over(x * y);
    }
    e_q += 2 * half, e_k += 2 * half, w += 2 * half;
    OVER(D - 2 * half, { sum += vec_at(w + d, left) * one_over(all(1.0f) + vec_at(e_q + d, left) * vec_at(e_k + d, left)); });
    return whole - 2.0f * sum_lanes(sum);
}

static float far_score(const float *q, const float *k, const float *w, int64_t D) {
    vec sum = all(0.0f);
    OVER(D, { sum += vec_at(w + d, left) * tanh_quick(vec_at(q + d, left) + vec_at(k + d, left)); });
    return sum_lanes(sum);
}

static float sum_of(const float *x, int64_t D) {
    vec sum = all(0.0f);
    OVER(D, { sum += vec_at(x + d, left); });
    return sum_lanes(sum);
}

/* query "R Q D", keys "R K D", their exponentials, which are near "R Q", "R K", v "H D"; scores "R Q K".  Units: queries of all rows. */
KERNEL_IN_PIECES(additive_forward) {
    GIVEN;
    int64_t Q = SIZE(0, 1), K = SIZE(1, 1), D = SIZE(0, 2), H = SIZE(6, 0);
    for (int64_t i = first; i < last; i++) {
        int64_t row = i / Q;
        const float *w = FLOATS(6) + row % H * D;
        float whole = sum_of(w, D), *to = FLOATS(7) + i * K;
        bool near = ((const bool *)a[4].at)[i];
        for (int64_t j = row * K; j < (row + 1) * K; j++)
            *to++ = near && ((const bool *)a[5].at)[j] ? near_score(FLOATS(2) + i * D, FLOATS(3) + j * D, w, D, whole)
                                                       : far_score(FLOATS(0) + i * D, FLOATS(1) + j * D, w, D);
    }
}

typedef struct { float *query, *keys, *v; } slopes;

/* Two queries by two keys, all near: what is gathered is read and written half as often, and two divisions are one. */
static void back_four(const float *q, const float *k, const float *g, int64_t K, int64_t D, slopes to) {
    vec ac = all(g[0]), ad = all(g[1]), bc = all(g[K]), bd = all(g[K + 1]);
    OVER(D, {
        vec a = vec_at(q + d, left), b = vec_at(q + D + d, left), c = vec_at(k + d, left), e = vec_at(k + D + d, left);
        /* all is read before anything is written: what lies 4 KB behind a store waits for it */
        vec to_a = vec_at(to.query + d, left), to_b = vec_at(to.query + D + d, left), to_v = vec_at(to.v + d, left);
        vec to_c = vec_at(to.keys + d, left), to_e = vec_at(to.keys + D + d, left);
        vec x = all(1.0f) + a * c, y = all(1.0f) + a * e, z = all(1.0f) + b * c, w = all(1.0f) + b * e;
        vec xy = all(2.0f) * one_over(x * y), zw = all(2.0f) * one_over(z * w);
        vec t_ac = all(1.0f) - xy * y, t_ad = all(1.0f) - xy * x, t_bc = all(1.0f) - zw * w, t_bd = all(1.0f) - zw * z;
        vec v_ac = ac * t_ac, v_ad = ad * t_ad, v_bc = bc * t_bc, v_bd = bd * t_bd;
        vec s_ac = ac - v_ac * t_ac, s_ad = ad - v_ad * t_ad, s_bc = bc - v_bc * t_bc, s_bd = bd - v_bd * t_bd;
        vec_to(to.query + d, to_a + (s_ac + s_ad), left);
        vec_to(to.query + D + d, to_b + (s_bc + s_bd), left);
        vec_to(to.keys + d, to_c + (s_ac + s_bc), left);
        vec_to(to.keys + D + d, to_e + (s_ad + s_bd), left);
        vec_to(to.v + d, to_v + ((v_ac + v_ad) + (v_bc + v_bd)), left);
    });
}

static void back_one(bool near, const float *q, const float *k, float grad, int64_t D, slopes to) {
    vec g = all(grad);
    OVER(D, {
        vec x = vec_at(q + d, left), y = vec_at(k + d, left);
        vec t = near ? all(1.0f) - all(2.0f) * one_over(all(1.0f) + x * y) : tanh_quick(x + y);
        vec slope = g * (all(1.0f) - t * t);
        vec_to(to.query + d, vec_at(to.query + d, left) + slope, left);
        vec_to(to.keys + d, vec_at(to.keys + d, left) + slope, left);
        vec_to(to.v + d, vec_at(to.v + d, left) + g * t, left);
    });
}

/* As the forward pass up to what is near; grad "R Q K"; d_query "R Q D", d_keys "R chunks K D", d_v "R chunks D", all zero, those of query and
 * keys still without v.  Units: chunks of all rows. */
KERNEL_IN_PIECES(additive_backward) {
    GIVEN;
    int64_t Q = SIZE(0, 1), K = SIZE(1, 1), D = SIZE(0, 2), chunks = SIZE(8, 1);
    for (int64_t unit = first; unit < last; unit++) {
        int64_t row = unit / chunks, begin = unit % chunks * CHUNK, end = begin + CHUNK < Q ? begin + CHUNK : Q;
        const bool *near_q = (const bool *)a[4].at + row * Q, *near_k = (const bool *)a[5].at + row * K;
        const float *q = FLOATS(0) + row * Q * D, *k = FLOATS(1) + row * K * D, *e_q = FLOATS(2) + row * Q * D, *e_k = FLOATS(3) + row * K * D;
        const float *grad = FLOATS(6) + row * Q * K;
        float *d_q = FLOATS(7) + row * Q * D, *d_k = FLOATS(8) + unit * K * D, *d_v = FLOATS(9) + unit * D;
        for (int64_t i = begin; i < end; i += 2)
            for (int64_t j = 0; j < K; j += 2) {
                const float *g = grad + i * K + j;
                if (i + 1 < end && j + 1 < K && near_q[i] && near_q[i + 1] && near_k[j] && near_k[j + 1]) {
                    if (g[0] != 0 || g[1] != 0 || g[K] != 0 || g[K + 1] != 0)
                        back_four(e_q + i * D, e_k + j * D, g, K, D, (slopes){d_q + i * D, d_k + j * D, d_v});
                    continue;
                }
                for (int64_t b = i; b < (i + 2 < end ? i + 2 : end); b++)
                    for (int64_t c = j; c < (j + 2 < K ? j + 2 : K); c++) {
                        if (grad[b * K + c] == 0) continue;  /* out of sight */
                        bool near = near_q[b] && near_k[c];
                        back_one(near, (near ? e_q : q) + b * D, (near ? e_k : k) + c * D, grad[b * K + c], D, (slopes){d_q + b * D, d_k + c * D, d_v});
                    }
            }
    }
}
