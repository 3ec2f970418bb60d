/* Values and rows of a net in training: dropout, and probabilities less the word that was right.  See `networks/kernels`.
 *
 * Numbers are float32, or bfloat16: the upper 16 bits of a float32.  The loops are plain, and the compiler makes vectors of them.
 */
#pragma once

#include "kernels.h"

static inline float float_of(uint16_t x) {
    uint32_t bits = (uint32_t)x << 16;
    float number;
    memcpy(&number, &bits, sizeof number);
    return number;
}

static inline uint16_t bfloat16_of(float x) {  /* the nearest; of two as near, the even one */
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

/* x times n[1] where the byte drawn for it is not below n[0], else 0: x, drawn and what is made, "N"; n[2]: whether they are bfloat16.
 * Units: n[3] values each. */
KERNEL_IN_PIECES(dropout) {
    GIVEN;
    int64_t grain = (int64_t)n[3], begin = first * grain, many = (last * grain < SIZE(0, 0) ? last * grain : SIZE(0, 0)) - begin;
    const uint8_t *drawn = (const uint8_t *)a[1].at + begin, below = (uint8_t)n[0];
    float scale = (float)n[1];
    if (n[2] != 0) {
        const uint16_t *x = (const uint16_t *)a[0].at + begin;
        uint16_t *restrict made = (uint16_t *)a[2].at + begin;
        for (int64_t i = 0; i < many; i++) {
            uint16_t y = bfloat16_of(float_of(x[i]) * scale);
            made[i] = drawn[i] >= below ? y : 0;
        }
    } else {
        const float *x = FLOATS(0) + begin;
        float *restrict made = FLOATS(2) + begin;
        for (int64_t i = 0; i < many; i++) made[i] = drawn[i] >= below ? x[i] * scale : 0.0f;
    }
}

/* `left` of a vector's numbers of either kind, from the d-th on. */
static inline __attribute__((always_inline)) vec low_or_whole_at(const void *x, int64_t d, int64_t left, bool low) {
    if (!low) return vec_at((const float *)x + d, left);
    const uint16_t *from = (const uint16_t *)x + d;
#if defined(__AVX512F__)
    if (left >= LANES) return (vec)_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)from)), 16);
#endif
    float room[LANES] = {0};
    for (int i = 0; i < LANES && i < left; i++) room[i] = float_of(from[i]);
    return load(room);
}
static inline __attribute__((always_inline)) void low_or_whole_to(void *x, int64_t d, vec v, int64_t left, bool low) {
    if (!low) { vec_to((float *)x + d, v, left); return; }
    uint16_t *to = (uint16_t *)x + d;
#if defined(__AVX512F__)
    if (left >= LANES) {
        ints bits = (ints)v, near = bits + 0x7fff + (bits >> 16 & 1);
        _mm256_storeu_si256((__m256i *)to, _mm512_cvtepi32_epi16(_mm512_srli_epi32((__m512i)near, 16)));
        return;
    }
#endif
    float room[LANES];
    store(room, v);
    for (int i = 0; i < LANES && i < left; i++) to[i] = bfloat16_of(room[i]);
}

/* Of numbers that are not above 0; below -87.33 as of that, which is nothing beside 1. */
static inline vec share_of(vec x) {
    ints power;
    vec p = exp_parts(top_of(x, all(-87.33f)), &power);
    return p * (vec)((power + 127) << 23);
}

/* given "V" to its softmax, less `less` for the word that is right; that is added onto sum "V" too.  row: room for V numbers, or `given` itself.
 * The row stays near the processor for three passes; a number in it that is none makes the total such. */
static inline __attribute__((always_inline)) void share_row(
    void *given, float *row, const float *bias, float *sum, int64_t V, int64_t word, float less, float *lse, float *nats, bool low
) {
    vec top = all(-INFINITY), sums = all(0.0f);
    OVER(V, {
        vec x = low_or_whole_at(given, d, left, low) + vec_at(bias + d, left);
        vec_to(row + d, x, left);
        top = top_of(top, left < LANES ? choose(FIRST < (int32_t)left, x, all(-INFINITY)) : x);
    });
    float best = top_lane(top), right = row[word];
    OVER(V, {
        vec p = share_of(vec_or(row + d, left, -INFINITY) - all(best));
        vec_to(row + d, p, left);
        sums += p;
    });
    float total = sum_lanes(sums);
    *lse = best + logf(total);
    *nats = *lse - right;
    row[word] -= less * total;
    vec scale = all(1.0f / total);
    OVER(V, {
        vec p = vec_at(row + d, left) * scale;
        low_or_whole_to(given, d, p, left, low);
        vec_to(sum + d, vec_at(sum + d, left) + p, left);
    });
}

/* logits "N V" to what `share_row` makes of them: bias "V", words "N" (int64), lse, nats "N", sums "groups V" over the n[1] rows of each group, so
 * that groups run side by side and no sum depends on a thread.  n[0]: less; n[2]: whether logits are bfloat16, and then there is room for a row of
 * each group, "groups V".  Units: groups. */
KERNEL_IN_PIECES(shares) {
    GIVEN;
    int64_t N = SIZE(0, 0), V = SIZE(0, 1), rows = (int64_t)n[1];
    const int64_t *words = (const int64_t *)a[2].at;
    float less = (float)n[0], *lse = FLOATS(3), *nats = FLOATS(4);
    for (int64_t group = first; group < last; group++) {
        float *sum = FLOATS(5) + group * V;
        memset(sum, 0, sizeof(float) * (size_t)V);
        for (int64_t i = group * rows; i < (group + 1) * rows && i < N; i++) {
            if (n[2] != 0) share_row((uint16_t *)a[0].at + i * V, FLOATS(6) + group * V, FLOATS(1), sum, V, words[i], less, lse + i, nats + i, true);
            else share_row(FLOATS(0) + i * V, FLOATS(0) + i * V, FLOATS(1), sum, V, words[i], less, lse + i, nats + i, false);
        }
    }
}

/* logits "N V", in place, to log softmax of each row, which stays near the processor for three passes.  Units: rows. */
KERNEL_IN_PIECES(log_softmax) {
    GIVEN;
    int64_t V = SIZE(0, 1);
    for (int64_t i = first; i < last; i++) {
        float *row = FLOATS(0) + i * V;
        vec top[4], sum[4] = {0};
        UNROLL for (int j = 0; j < 4; j++) top[j] = all(-INFINITY);
        int64_t wide = V / (4 * LANES) * (4 * LANES);
        for (int64_t d = 0; d < wide; d += 4 * LANES) UNROLL for (int j = 0; j < 4; j++) top[j] = top_of(top[j], load(row + d + j * LANES));
        OVER(V - wide, { top[0] = top_of(top[0], vec_or(row + wide + d, left, -INFINITY)); });
        vec best = all(top_lane(top_of(top_of(top[0], top[1]), top_of(top[2], top[3]))));
        for (int64_t d = 0; d < wide; d += 4 * LANES) UNROLL for (int j = 0; j < 4; j++) sum[j] += share_of(load(row + d + j * LANES) - best);
        OVER(V - wide, { sum[0] += share_of(vec_or(row + wide + d, left, -INFINITY) - best); });
        vec less = all(logf(sum_lanes((sum[0] + sum[1]) + (sum[2] + sum[3]))));
        OVER(V, { vec_to(row + d, (vec_at(row + d, left) - best) - less, left); });
    }
}
