/* Sixteen numbers at a time, and the functions of them that nets need: each lane is computed alike, so that an answer depends on no neighbour.
 *
 * exp, log, tanh, sine and cosine as in Cephes (Moshier 1989), single precision: within some 2 units in the last place.
 */
#pragma once

#include "values.h"
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#define UNROLL _Pragma("GCC unroll 16")
enum { LANES = 16 };
typedef float vec __attribute__((vector_size(64)));
typedef int32_t ints __attribute__((vector_size(64)));
typedef float loose_vec __attribute__((vector_size(64), aligned(4), may_alias));

static inline vec load(const float *x) { return *(const loose_vec *)x; }
static inline void store(float *x, vec v) { *(loose_vec *)x = v; }
static inline vec all(float x) { return (vec){x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x}; }
static inline vec choose(ints mask, vec yes, vec no) { return (vec)((mask & (ints)yes) | (~mask & (ints)no)); }

static const ints FIRST = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
static inline vec load_some(const float *x, int64_t n, float rest) {  /* the first n of them */
    float room[LANES];
    for (int i = 0; i < LANES; i++) room[i] = i < n ? x[i] : rest;
    return load(room);
}
static inline void store_some(float *x, vec v, int64_t n) {
    float room[LANES];
    store(room, v);
    for (int64_t i = 0; i < n; i++) x[i] = room[i];
}

typedef float half_vec __attribute__((vector_size(32)));
typedef float quarter_vec __attribute__((vector_size(16)));
static inline float sum_lanes(vec v) {  /* in one order, whatever the machine's */
#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ < 12  /* which has no __builtin_shufflevector */
    half_vec h[2];
    memcpy(h, &v, sizeof v);
    half_vec both = h[0] + h[1];
    quarter_vec p[2];
    memcpy(p, &both, sizeof both);
    quarter_vec q = p[0] + p[1];
#else
    half_vec h = __builtin_shufflevector(v, v, 0, 1, 2, 3, 4, 5, 6, 7) + __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15);
    quarter_vec q = __builtin_shufflevector(h, h, 0, 1, 2, 3) + __builtin_shufflevector(h, h, 4, 5, 6, 7);
#endif
    return (q[0] + q[2]) + (q[1] + q[3]);
}
static inline bool any_lane(ints mask) {
#if defined(__AVX512F__)
    return _mm512_test_epi32_mask((__m512i)mask, (__m512i)mask) != 0;
#else
    typedef int64_t longs __attribute__((vector_size(64)));
    longs m = (longs)mask;
    return (m[0] | m[1] | m[2] | m[3] | m[4] | m[5] | m[6] | m[7]) != 0;
#endif
}
static inline float top_lane(vec v) {  /* NaN where there is one */
    float x[LANES];
    store(x, v);
    UNROLL for (int many = LANES / 2; many > 0; many /= 2)
        UNROLL for (int i = 0; i < many; i++) x[i] = x[i] > x[i + many] || x[i] != x[i] ? x[i] : x[i + many];
    return x[0];
}
static inline vec round_of(vec x) {  /* to whole numbers, of two as near to the even one */
#if defined(__AVX512F__)
    return (vec)_mm512_roundscale_ps((__m512)x, 0);
#else
    float each[LANES];
    store(each, x);
    for (int i = 0; i < LANES; i++) each[i] = rintf(each[i]);
    return load(each);
#endif
}
static inline ints larger_whole(ints a, ints b) { ints above = a > b; return (above & a) | (~above & b); }
static inline vec larger(vec a, vec b) { return choose((a > b) | (a != a), a, b); }  /* NaN stays */

/* exp of numbers from -87.33 to 89 as 2^n times a polynomial: n, and the polynomial in what is left. */
static inline vec exp_parts(vec held, ints *power) {
    vec n = (held * all(1.44269504f) + all(12582912.0f)) - all(12582912.0f);
    vec r = held - n * all(0.693359375f);
    r = r + n * all(2.12194440e-4f);
    vec p = all(1.9875691500e-4f);
    p = p * r + all(1.3981999507e-3f);
    p = p * r + all(8.3334519073e-3f);
    p = p * r + all(4.1665795894e-2f);
    p = p * r + all(1.6666665459e-1f);
    p = p * r + all(5.0000001201e-1f);
    *power = __builtin_convertvector(n, ints);
    return p * r * r + r + all(1.0f);
}

static inline vec exp_of(vec x) {  /* NaN stays NaN: no comparison holds of it */
    vec held = choose(x > all(89.0f), all(89.0f), x);
    held = choose(held < all(-87.33f), all(-87.33f), held);
    ints power;
    vec p = exp_parts(held, &power);
    ints half = power >> 1;  /* twice, for 2^128 has no float32 */
    vec scaled = p * (vec)((half + 127) << 23) * (vec)((power - half + 127) << 23);
    scaled = choose(x < all(-87.33f), all(0.0f), scaled);
    return choose(x > all(88.7228f), all(INFINITY), scaled);
}

static inline vec exp_below(vec x) {  /* of numbers that are not above 0 */
    ints power, small = x < all(-87.33f);
    vec p = exp_parts(choose(small, all(-87.33f), x), &power);
    return choose(small, all(0.0f), p * (vec)((power + 127) << 23));
}

static inline vec log_of(vec x) {
    ints small = x < all(1.17549435e-38f);  /* subnormal numbers are made normal first */
    vec y = choose(small, x * all(8388608.0f), x);
    ints bits = (ints)y;
    ints power = ((bits >> 23) & 255) - 126;
    vec m = (vec)((bits & 0x007fffff) | 0x3f000000);
    ints low = m < all(0.707106781f);
    vec e = __builtin_convertvector(power, vec) - choose(low, all(1.0f), all(0.0f)) - choose(small, all(23.0f), all(0.0f));
    m = choose(low, m + m, m) - all(1.0f);
    vec z = m * m, p = all(7.0376836292e-2f);
    p = p * m + all(-1.1514610310e-1f);
    p = p * m + all(1.1676998740e-1f);
    p = p * m + all(-1.2420140846e-1f);
    p = p * m + all(1.4249322787e-1f);
    p = p * m + all(-1.6668057665e-1f);
    p = p * m + all(2.0000714765e-1f);
    p = p * m + all(-2.4999993993e-1f);
    p = p * m + all(3.3333331174e-1f);
    p = p * m * z;
    p = p + e * all(-2.12194440e-4f) - all(0.5f) * z;
    vec told = m + p + e * all(0.693359375f);
    told = choose(x == all(0.0f), all(-INFINITY), told);
    told = choose(x < all(0.0f), all(NAN), told);
    told = choose(x == all(INFINITY), x, told);
    return choose(x != x, x, told);
}

static inline vec tanh_of(vec x) {
    vec size = choose(x < all(0.0f), -x, x), z = x * x;
    vec p = all(-5.70498872745e-3f);
    p = p * z + all(2.06390887954e-2f);
    p = p * z + all(-5.37397155531e-2f);
    p = p * z + all(1.33314422036e-1f);
    p = p * z + all(-3.33332819422e-1f);
    vec near = p * z * x + x;
    vec far = all(1.0f) - all(2.0f) / (exp_of(size + size) + all(1.0f));
    far = choose(x < all(0.0f), -far, far);
    return choose(x != x, x, choose(size < all(0.625f), near, far));
}

static inline vec sigmoid_of(vec x) { return all(1.0f) / (all(1.0f) + exp_of(-x)); }

/* sin (0) or cos (1) of numbers below 8192 in size; of larger ones the library's is asked, lane by lane. */
static inline vec wave_of(vec x, int cosine) {
    vec size = choose(x < all(0.0f), -x, x);
    ints j = (__builtin_convertvector(size * all(1.27323954f), ints) + 1) & ~1;
    vec y = __builtin_convertvector(j, vec);
    vec r = size - y * all(0.78515625f);
    r = r - y * all(2.4187564849853515625e-4f);
    r = r - y * all(3.77489497744594108e-8f);
    vec z = r * r;
    vec c = all(2.443315711809948e-5f);
    c = c * z + all(-1.388731625493765e-3f);
    c = c * z + all(4.166664568298827e-2f);
    c = c * z * z - all(0.5f) * z + all(1.0f);
    vec s = all(-1.9515295891e-4f);
    s = s * z + all(8.3321608736e-3f);
    s = s * z + all(-1.6666654611e-1f);
    s = s * z * r + r;
    ints quarter = (j >> 1) & 3, odd = -(quarter & 1);
    vec told = choose(cosine ? ~odd : odd, c, s);
    ints minus = cosine ? ((quarter + 1) & 2) : (quarter & 2);
    ints sign = minus << 30;
    if (!cosine) sign ^= (ints)x & (ints)all(-0.0f);
    told = (vec)((ints)told ^ sign);
    if (!any_lane(~(size < all(8192.0f)))) return told;
    float each[LANES], from[LANES];
    store(each, told);
    store(from, x);
    for (int i = 0; i < LANES; i++) if (!(fabsf(from[i]) < 8192.0f)) each[i] = cosine ? cosf(from[i]) : sinf(from[i]);
    return load(each);
}
