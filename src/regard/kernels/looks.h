/* A look by softmax: scores, shares and what is read of a query in one pass.  See `attention/kernels/single_loops.py`.
 *
 * What is in sight is moved together first, so that no bit of an answer depends on what is not: neither on padding nor on where it lies.
 */
#pragma once

#include "kernels.h"

/* `count` vectors, from the d-th number on, of the sum of the values in sight "K E", weighed by `share`. */
static inline __attribute__((always_inline)) void weigh(
    const float *share, const bool *seen, const float *values, float *out, int64_t K, int64_t E, int64_t d, int count, int64_t left
) {
    vec sum[4] = {0};
    values += d;
    for (int64_t k = 0; k < K; k++, values += E) {
        if (!seen[k]) continue;
        vec part = all(*share++);
        for (int i = 0; i < count; i++) sum[i] += part * vec_at(values + i * LANES, left);
    }
    for (int i = 0; i < count; i++) vec_to(out + d + i * LANES, sum[i], left);
}

/* softmax of n scores, and the sum of the values that it weighs; zeros where there is none. */
static void gather(float *share, int64_t n, const bool *seen, const float *values, float *out, int64_t K, int64_t E) {
    vec top = all(-INFINITY), sum = all(0.0f);
    OVER(n, { top = larger(top, vec_or(share + d, left, -INFINITY)); });
    vec most = all(top_lane(top));
    OVER(n, {
        vec e = exp_below(vec_or(share + d, left, -INFINITY) - most);
        vec_to(share + d, e, left);
        sum += e;
    });
    vec total = all(sum_lanes(sum));
    OVER(n, { vec_to(share + d, vec_at(share + d, left) / total, left); });
    int64_t wide = E / (4 * LANES) * (4 * LANES);
    for (int64_t d = 0; d < wide; d += 4 * LANES) weigh(share, seen, values, out, K, E, d, 4, LANES);
    OVER(E - wide, { weigh(share, seen, values, out, K, E, wide + d, 1, left); });
}

/* softmax(scale q . k) in sight, times the values: query "D", keys "K D", seen "K", values "K E", share: room for K numbers, out "E". */
static void look(
    const float *query, const float *keys, const bool *seen, const float *values, float scale, float *share, float *out,
    int64_t K, int64_t D, int64_t E
) {
    int64_t n = 0;
    for (int64_t k = 0; k < K; k++, keys += D) {
        if (!seen[k]) continue;
        vec sum = all(0.0f);
        OVER(D, { sum += vec_at(query + d, left) * vec_at(keys + d, left); });
        share[n++] = sum_lanes(sum) * scale;
    }
    gather(share, n, seen, values, out, K, E);
}

/* softmax(v . tanh(q + k)) in sight, times the values; v "D", and else as `look`. */
static void look_by_tanh(
    const float *query, const float *v, const float *keys, const bool *seen, const float *values, float *share, float *out,
    int64_t K, int64_t D, int64_t E
) {
    int64_t n = 0;
    for (int64_t k = 0; k < K; k++, keys += D) {
        if (!seen[k]) continue;
        vec sum = all(0.0f);
        OVER(D, { sum += vec_at(v + d, left) * tanh_quick(vec_at(query + d, left) + vec_at(keys + d, left)); });
        share[n++] = sum_lanes(sum);
    }
    gather(share, n, seen, values, out, K, E);
}

typedef struct { int64_t Q, K, D, E, head, H, keys; const bool *seen; float *share; } asked;

/* Of the i-th query of all, "B H Q": the head h, and where its keys and its mask begin. */
static asked query_at(const array *a, int64_t i) {
    int64_t H = SIZE(0, 1), Q = SIZE(0, 2), K = SIZE(1, 2), masks = SIZE(2, 1), row = i / Q, h = row % H;
    return (asked){
        .Q = Q, .K = K, .D = SIZE(0, 3), .E = SIZE(3, 3), .head = h, .H = H, .keys = row * K, .share = FLOATS(5) + i * K,
        .seen = (const bool *)a[2].at + ((row / H * masks + h % masks) * Q + i % Q) * K,
    };
}

/* query "B H Q D", keys "B H K D", mask "B H|1 Q K", values "B H K E", out "B H Q E", room "B H Q K".  Units: queries of all rows. */
KERNEL_IN_PIECES(single_inner) {
    GIVEN;
    for (int64_t i = first; i < last; i++) {
        asked q = query_at(a, i);
        look(FLOATS(0) + i * q.D, FLOATS(1) + q.keys * q.D, q.seen, FLOATS(3) + q.keys * q.E, 1.0f, q.share, FLOATS(4) + i * q.E, q.K, q.D, q.E);
    }
}

/* As `single_inner`, and v "H D". */
KERNEL_IN_PIECES(single_tanh) {
    GIVEN;
    for (int64_t i = first; i < last; i++) {
        asked q = query_at(a, i);
        look_by_tanh(FLOATS(0) + i * q.D, FLOATS(6) + q.head * q.D, FLOATS(1) + q.keys * q.D, q.seen, FLOATS(3) + q.keys * q.E, q.share,
                     FLOATS(4) + i * q.E, q.K, q.D, q.E);
    }
}
