/* softmax(scores) times the values over every prefix: see `attention/kernels/prefix_loops.py`.
 *
 * Sums are float64, eight at a time.  Some of the values of a row are a part: parts run side by side, and each goes through all places.
 */
#pragma once

#include "kernels.h"

enum { WIDTH = 32, WIDES = WIDTH / 8 };  /* values of a part, as in `attention/kernels/prefix_loops.py` */
typedef double wide __attribute__((vector_size(64)));

static inline wide all_wide(double x) { return (wide){x, x, x, x, x, x, x, x}; }

/* `left` of eight numbers, zeros in place of the others. */
static inline __attribute__((always_inline)) wide wide_at(const float *x, int64_t left) {
#if defined(__AVX512F__) && defined(__AVX512VL__)
    return (wide)_mm512_cvtps_pd(left >= 8 ? _mm256_loadu_ps(x) : _mm256_maskz_loadu_ps((__mmask8)((1u << left) - 1), x));
#else
    if (left >= 8) return (wide){x[0], x[1], x[2], x[3], x[4], x[5], x[6], x[7]};
    double room[8] = {0};
    for (int i = 0; i < 8 && i < left; i++) room[i] = x[i];
    wide v;
    memcpy(&v, room, sizeof v);
    return v;
#endif
}

static inline __attribute__((always_inline)) void wide_to(float *x, wide v, int64_t left) {
#if defined(__AVX512F__) && defined(__AVX512VL__)
    __m256 y = _mm512_cvtpd_ps((__m512d)v);
    if (left >= 8) _mm256_storeu_ps(x, y); else _mm256_mask_storeu_ps(x, (__mmask8)((1u << left) - 1), y);
#else
    for (int i = 0; i < 8 && i < left; i++) x[i] = (float)v[i];
#endif
}

static inline double sum_wide(wide v) { return ((v[0] + v[4]) + (v[2] + v[6])) + ((v[1] + v[5]) + (v[3] + v[7])); }

/* A block for each eight of a part's `width` values: `e` which eight, `at` where they begin, `left` how many there are. */
#define OVER_PART(...) for (int64_t e = 0; e < WIDES && e * 8 < width; e++) { \
    const int64_t at = e * 8, left = width - at; \
    (void)at, (void)left; \
    __VA_ARGS__ \
}

/* The running best score m, total z and sum; share: what a place has of its own prefix.  begin, width: of the part.  The first part keeps what
 * does not depend on it. */
static inline __attribute__((always_inline)) void prefix_part(const array *a, int64_t row, int64_t begin, int64_t width) {
    int64_t T = SIZE(5, 1), E = SIZE(5, 2);
    const float *scores = FLOATS(3) + row * T, *v = FLOATS(5) + row * T * E + begin;
    const bool *seen = (const bool *)a[4].at + row * T;
    float *o = FLOATS(6) + row * T * E + begin;
    double m = FLOATS(0)[row], z = FLOATS(1)[row], *share = (double *)a[7].at + row * T;
    wide held[WIDES] = {0};
    OVER_PART({ held[e] = wide_at(FLOATS(2) + row * E + begin + at, left); });
    for (int64_t t = 0; t < T; t++, v += E, o += E) {
        double w = 0;
        if (seen[t]) {
            double s = scores[t];
            if (s > m || z == 0) {
                double scale = z > 0 ? exp(m - s) : 0;
                m = s, z = z * scale + 1, w = 1;
                OVER_PART({ held[e] = held[e] * all_wide(scale) + wide_at(v + at, left); });
            } else {
                w = exp(s - m);
                z += w;
                OVER_PART({ held[e] += all_wide(w) * wide_at(v + at, left); });
            }
        }
        double one = z > 0 ? 1 / z : 0;
        OVER_PART({ wide_to(o + at, held[e] * all_wide(one), left); });
        if (begin == 0) share[t] = w * one;
    }
    OVER_PART({ wide_to(FLOATS(10) + row * E + begin + at, held[e], left); });
    if (begin == 0) FLOATS(8)[row] = (float)m, FLOATS(9)[row] = (float)z;
}

/* top, total "R", sum "R E" of what came before; scores, seen "R T", values "R T E"; context "R T E", share "R T" (float64), and top, total, sum
 * behind all.  Units: parts of all rows. */
KERNEL_IN_PIECES(prefix_forward) {
    GIVEN;
    int64_t E = SIZE(5, 2), parts = (E + WIDTH - 1) / WIDTH;
    for (int64_t i = first; i < last; i++) {
        int64_t begin = i % parts * WIDTH;
        if (E - begin >= WIDTH) prefix_part(a, i / parts, begin, WIDTH);
        else prefix_part(a, i / parts, begin, E - begin);
    }
}

/* From the last place to the first: R and C, see `prefix_loops.py`. */
static inline __attribute__((always_inline)) void prefix_part_back(const array *a, int64_t row, int64_t part, int64_t width) {
    int64_t T = SIZE(2, 1), E = SIZE(2, 2), parts = SIZE(9, 1), begin = part * WIDTH, all_places = row * T * E + begin;
    const float *values = FLOATS(2) + all_places, *grad = FLOATS(4) + all_places, *context = FLOATS(5) + all_places;
    const double *share = (const double *)a[3].at + row * T;
    float *d_values = FLOATS(8) + all_places, *d_scores = FLOATS(9) + (row * parts + part) * T;
    double last_total = FLOATS(1)[row], c = part == 0 ? -(double)FLOATS(6)[row] * last_total : 0, scale = 1;
    wide held[WIDES] = {0};
    OVER_PART({ held[e] = wide_at(FLOATS(7) + row * E + begin + at, left) * all_wide(last_total); });
    for (int64_t t = T - 1; t >= 0; t--) {
        double p = share[t];
        wide read = all_wide(0), moved = all_wide(0);
        OVER_PART({
            wide g = wide_at(grad + t * E + at, left);
            read += g * wide_at(context + t * E + at, left);
            held[e] = held[e] * all_wide(scale) + g;
            moved += held[e] * wide_at(values + t * E + at, left);
            wide_to(d_values + t * E + at, all_wide(p) * held[e], left);
        });
        c = c * scale + sum_wide(read);
        d_scores[t] = (float)(p * (sum_wide(moved) - c));
        scale = 1 - p;
    }
    double one = FLOATS(0)[row] > 0 ? scale / FLOATS(0)[row] : 0;
    OVER_PART({ wide_to(FLOATS(10) + row * E + begin + at, held[e] * all_wide(one), left); });
    FLOATS(11)[row * parts + part] = (float)(-c * one);
}

/* total, last_total "R", values "R T E", share "R T" (float64), d_context, context "R T E", d_last_total "R", d_last_sum "R E"; d_values "R T E",
 * d_scores "R parts T", d_sum "R E", d_total "R parts", those in parts to be summed.  Units: parts of all rows. */
KERNEL_IN_PIECES(prefix_backward) {
    GIVEN;
    int64_t E = SIZE(2, 2), parts = SIZE(9, 1);
    for (int64_t i = first; i < last; i++) {
        int64_t part = i % parts, width = E - part * WIDTH;
        if (width >= WIDTH) prefix_part_back(a, i / parts, part, WIDTH);
        else prefix_part_back(a, i / parts, part, width);
    }
}
