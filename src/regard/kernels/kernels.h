/* What a kernel is given: arrays without gaps, numbers, and how many units of work there are.
 *
 * What a unit says depends on no other one, nor on who does it.  Loops over vectors of 16 treat each lane alike, and sums have one order.
 */
#pragma once

#include "../runtime/loops/packed.h"

enum { AXES = 5 };
typedef struct { char *at; int64_t size[AXES]; } array;  /* sizes of the axes it has not are 0 */
typedef struct { const array *a; const double *n; _Atomic int failed; } given;

/* cost: in products, see `in_pieces`.  It gives 0, or 1 where there was no memory. */
#define KERNEL(name) int OUTSIDE(name)(const array *a, const double *n, int64_t units, int64_t cost)
#define FAIL(about) atomic_store(&((given *)about)->failed, 1)
#define GIVEN const array *a = ((const given *)about)->a; const double *n = ((const given *)about)->n; (void)a; (void)n

/* A kernel that does its units in pieces. */
#define KERNEL_IN_PIECES(name) \
    static void name##_piece(void *about, int64_t first, int64_t last); \
    KERNEL(name) { given g = {a, n, 0}; in_pieces(units, cost, name##_piece, &g); return g.failed; } \
    static void name##_piece(void *about, int64_t first, int64_t last)

#define FLOATS(i) ((float *)a[i].at)
#define SIZE(i, axis) (a[i].size[axis])

/* `left` of a vector's numbers, where that is known when it is compiled: all of them, or some, and `rest` in place of the others. */
static inline __attribute__((always_inline)) vec vec_or(const float *x, int64_t left, float rest) {
    if (left >= LANES) return load(x);
#if defined(__AVX512F__)
    return (vec)_mm512_mask_loadu_ps((__m512)all(rest), (__mmask16)((1u << left) - 1), x);
#else
    return load_some(x, left, rest);
#endif
}
static inline __attribute__((always_inline)) vec vec_at(const float *x, int64_t left) { return vec_or(x, left, 0.0f); }
static inline __attribute__((always_inline)) void vec_to(float *x, vec v, int64_t left) {
    if (left >= LANES) { store(x, v); return; }
#if defined(__AVX512F__)
    _mm512_mask_storeu_ps(x, (__mmask16)((1u << left) - 1), (__m512)v);
#else
    store_some(x, v, left);
#endif
}

/* A block for each vector of D numbers: `d` where it begins, `left` how many there are of it.  The last, which may be short, is apart, so that
 * the others are plain loads and stores. */
#define OVER(D, ...) do { \
    int64_t d = 0; \
    for (; d + LANES <= (D); d += LANES) { const int64_t left = LANES; (void)left; __VA_ARGS__ } \
    if (d < (D)) { const int64_t left = (D) - d; __VA_ARGS__ } \
} while (0)

static inline vec one_over(vec x) {
#if defined(__AVX512F__)
    vec r = (vec)_mm512_rcp14_ps((__m512)x);  /* to 14 bits, and by Newton's step to all */
    return r * (all(2.0f) - x * r);
#else
    return all(1.0f) / x;
#endif
}

/* x, but no more than `most` in size; NaN stays NaN. */
static inline vec held(vec x, float most) {
#if defined(__AVX512F__)
    return (vec)_mm512_min_ps((__m512)all(most), _mm512_max_ps((__m512)all(-most), (__m512)x));  /* of two that do not compare, the second */
#else
    x = choose(x < all(-most), all(-most), x);
    return choose(x > all(most), all(most), x);
#endif
}

/* The larger of each two; `top` where x is not a number. */
static inline vec top_of(vec top, vec x) {
#if defined(__AVX512F__)
    return (vec)_mm512_max_ps((__m512)x, (__m512)top);
#else
    return choose(x > top, x, top);
#endif
}

/* An odd rational function, x P(x^2) / Q(x^2), of degree 9 over 8, fitted on [0, 9.02] for the least relative error (2e-8; 3.5e-7 with the
 * rounding of float32). */
static inline vec tanh_fitted(vec x) {
    vec y = x * x, p = all(1.3319156648650408e-08f) * y + all(2.058354912063878e-05f), q = all(7.762056072198654e-07f) * y + all(0.000328309986769987f);
    p = (p * y + all(0.003494038993874078f)) * y + all(0.13379721788754761f);
    q = (q * y + all(0.02587109041439048f)) * y + all(0.46713037038749544f);
    return x * (p * y + all(0.9999999790519959f)) * one_over(q * y + all(1.0f));
}

static inline vec tanh_quick(vec x) { return tanh_fitted(held(x, 9.02f)); }  /* beyond which tanh is 1, and this one at most a bit less */
static inline vec sigmoid_quick(vec x) { return all(0.5f) + all(0.5f) * tanh_quick(all(0.5f) * x); }
