/* A step of a Transformer's decoder through all layers, for many rows: see `inference/transformer_steps.py`. */
#pragma once

#include "looks.h"
#include "matrices.h"

enum { T_ROWS, T_LINES, T_NORMS, T_HEADS, T_BACK, T_POOL, T_SLOTS, T_SENTENCE, T_KEYS, T_VALUES, T_VALID };
typedef struct { const float *weight, *bias; } norm;
typedef struct { float *x, *normed, *made, *read, *share; const float **place; } t_room;
enum { AHEAD = 3 };  /* places */

static float product_of(const float *x, const float *y, int64_t D) {
    vec sum = all(0.0f);
    OVER(D, { sum += vec_at(x + d, left) * vec_at(y + d, left); });
    return sum_lanes(sum);
}

static void softmax_of(float *x, int64_t size) {
    vec top = all(-INFINITY), sum = all(0.0f);
    OVER(size, { top = larger(top, vec_or(x + d, left, -INFINITY)); });
    vec best = all(top_lane(top));
    OVER(size, {
        vec e = exp_below(vec_at(x + d, left) - best);
        if (left < LANES) e = choose(FIRST < (int32_t)left, e, all(0.0f));
        vec_to(x + d, e, left);
        sum += e;
    });
    float total = sum_lanes(sum);
    OVER(size, { vec_to(x + d, vec_at(x + d, left) / all(total), left); });
}

static void normalize(float *to, const float *x, int64_t D, norm by, float epsilon) {
    vec sum = all(0.0f), squares = all(0.0f);
    OVER(D, { sum += vec_at(x + d, left); });
    float mean = sum_lanes(sum) / (float)D;
    OVER(D, {
        vec off = vec_at(x + d, left) - all(mean);
        if (left < LANES) off = choose(FIRST < (int32_t)left, off, all(0.0f));
        squares += off * off;
    });
    float scale = 1.0f / sqrtf(sum_lanes(squares) / (float)D + epsilon);
    OVER(D, { vec_to(to + d, (vec_at(x + d, left) - all(mean)) * all(scale) * vec_at(by.weight + d, left) + vec_at(by.bias + d, left), left); });
}

/* `count` vectors, from the d-th number on, of what a head reads of T places: the sum of their values, weighed by `share`. */
static inline __attribute__((always_inline)) void weigh_places(
    const float *share, const float *const *place, float *out, int64_t T, int64_t d, int count, int64_t left
) {
    vec sum[4] = {0};
    for (int64_t t = 0; t < T; t++) {
        vec part = all(share[t]);
        UNROLL for (int i = 0; i < count; i++) sum[i] += part * vec_at(place[t] + d + i * LANES, left);
    }
    UNROLL for (int i = 0; i < count; i++) vec_to(out + d + i * LANES, sum[i], left);
}

/* What a row reads of its own places in a layer, behind the new one, whose key and value go into the pool: given has its query, key and value.
 * Places lie scattered, each with its key and its value behind that: they are asked for some places ahead. */
static void look_back(const array *a, const float *given, int64_t row, int64_t layer, const float **place, float *share, float *out) {
    const int64_t *slots = (const int64_t *)a[T_SLOTS].at + row * SIZE(T_SLOTS, 1);
    int64_t T = SIZE(T_SLOTS, 1), layers = SIZE(T_POOL, 1), D = SIZE(T_POOL, 3), heads = ((const int64_t *)a[T_HEADS].at)[layer], E = D / heads;
    int64_t back = ((const int64_t *)a[T_BACK].at)[layer], begin = T - 1 > back ? T - 1 - back : 0, seen = T - begin;
    float *pool = FLOATS(T_POOL), scale = 1.0f / sqrtf((float)E);
    memcpy(pool + (slots[T - 1] * layers + layer) * 2 * D, given + D, sizeof(float) * (size_t)(2 * D));
    for (int64_t t = 0; t < seen; t++) place[t] = pool + (slots[begin + t] * layers + layer) * 2 * D;
    for (int64_t t = 0; t < seen; t++) {
        if (t + AHEAD < seen) for (int64_t d = 0; d < 2 * D; d += LANES) __builtin_prefetch(place[t + AHEAD] + d);
        for (int64_t h = 0; h < heads; h++) share[h * seen + t] = product_of(given + h * E, place[t] + h * E, E) * scale;
    }
    for (int64_t h = 0; h < heads; h++) softmax_of(share + h * seen, seen);
    for (int64_t t = 0; t < seen; t++) place[t] += D;
    for (int64_t h = 0; h < heads; h++) {
        int64_t from = h * E, wide = E / (4 * LANES) * (4 * LANES);
        for (int64_t d = 0; d < wide; d += 4 * LANES) weigh_places(share + h * seen, place, out, seen, from + d, 4, LANES);
        OVER(E - wide, { weigh_places(share + h * seen, place, out, seen, from + wide + d, 1, left); });
    }
}

static void look_at_source(const array *a, const float *query, int64_t row, int64_t layer, float *share, float *out) {
    int64_t of = ((const int64_t *)a[T_SENTENCE].at)[row], N = SIZE(T_KEYS, 1), H = SIZE(T_KEYS, 2), K = SIZE(T_KEYS, 3), E = SIZE(T_KEYS, 4);
    float scale = 1.0f / sqrtf((float)E);
    for (int64_t h = 0; h < H; h++) {
        int64_t at = ((layer * N + of) * H + h) * K * E;
        look(query + h * E, FLOATS(T_KEYS) + at, (const bool *)a[T_VALID].at + of * K, FLOATS(T_VALUES) + at, scale, share, out + h * E, K, E, E);
    }
}

static void activate(float *x, int64_t size, bool gelu) {
    if (gelu) for (int64_t i = 0; i < size; i++) x[i] = 0.5f * x[i] * (1.0f + erff(x[i] * 0.70710678f));
    else OVER(size, { vec v = vec_at(x + d, left); vec_to(x + d, choose(v < all(0.0f), all(0.0f), v), left); });
}

static status rows_through(const array *a, const double *n, int64_t first, int64_t R, t_room r) {
    int64_t D = SIZE(T_ROWS, 1), layers = SIZE(T_POOL, 1);
    float *h = FLOATS(T_ROWS) + first * D, epsilon = (float)n[0];
    bool pre = n[1] != 0, gelu = n[2] != 0;
    for (int64_t layer = 0; layer < layers; layer++)
        for (int part = 0; part < 3; part++) {
            const line *lines = (const line *)a[T_LINES].at + layer * 6 + 2 * part;
            norm by = ((const norm *)a[T_NORMS].at)[layer * 3 + part];
            const float *given = h;
            if (pre) {
                for (int64_t i = 0; i < R; i++) normalize(r.normed + i * D, h + i * D, D, by, epsilon);
                given = r.normed;
            }
            TRY(multiply(r.made, given, R, lines[0].p, lines[0].bias));
            int64_t wide = lines[0].p->N;
            if (part == 2) activate(r.made, R * wide, gelu);
            else if (part) for (int64_t i = 0; i < R; i++) look_at_source(a, r.made + i * wide, first + i, layer, r.share, r.read + i * D);
            else for (int64_t i = 0; i < R; i++) look_back(a, r.made + i * wide, first + i, layer, r.place, r.share, r.read + i * D);
            TRY(multiply(r.x, part == 2 ? r.made : r.read, R, lines[1].p, lines[1].bias));
            for (int64_t i = 0; i < R * D; i++) h[i] += r.x[i];
            if (!pre) for (int64_t i = 0; i < R; i++) normalize(h + i * D, h + i * D, D, by, epsilon);
        }
    return OK;
}

/* rows "R D", in place; lines "L 6", see `matrices.h`: query, key and value; out; the source's query; its out; inner; outer.  norms "L 3", of
 * each weight and bias; heads and back "L": of the look back, and how many places before its own it sees; pool "S L 2 D", slots "R T",
 * sentence "R", keys and values "L N H K E", valid "N K".
 * n: epsilon, whether norms stand before the parts, whether GELU, how many units the rows are parted into, the widest product. */
KERNEL_IN_PIECES(transformer_step) {
    GIVEN;
    int64_t R = SIZE(T_ROWS, 0), D = SIZE(T_ROWS, 1), units = (int64_t)n[3], widest = (int64_t)n[4], most = 0;
    for (int64_t i = 0; i < SIZE(T_POOL, 1); i++) if (((const int64_t *)a[T_HEADS].at)[i] > most) most = ((const int64_t *)a[T_HEADS].at)[i];
    int64_t shares = most * SIZE(T_SLOTS, 1) > SIZE(T_KEYS, 3) ? most * SIZE(T_SLOTS, 1) : SIZE(T_KEYS, 3);
    int64_t places = up(SIZE(T_SLOTS, 1) * (int64_t)sizeof(float *), 64) * 64;
    block *held = take_block(places + (int64_t)sizeof(float) * (SOME * (3 * D + widest) + shares) + 64);
    if (!held) { FAIL(about); return; }
    t_room r = {.place = (const float **)numbers_of(held), .x = (float *)(numbers_of(held) + places)};
    r.normed = r.x + SOME * D;
    r.read = r.normed + SOME * D;
    r.made = r.read + SOME * D;
    r.share = r.made + SOME * widest;
    int64_t end = R * last / units;
    for (int64_t row = R * first / units; row < end; row += SOME)
        if (rows_through(a, n, row, end - row < SOME ? end - row : SOME, r) != OK) FAIL(about);
    let_go(held);
}
