/* Products with a matrix that is known beforehand: laid out in the order in which it is read, in float32 or in bytes.
 *
 * Each number of a product is one sum over K in one order, whatever else is computed beside it, so that no answer depends on its batch.
 * In bytes: each row of what is read is rounded to 127ths of its largest number; products and sums are whole numbers, hence exact.
 */
#pragma once

#include "threads.h"
#include "vector.h"

/* PANEL vectors of columns are laid out together, for ROWS rows of x at a time, or ONE_ROW panels for one row: what fits the registers. */
#if defined(__AVX512F__)
enum { PANEL = 4, ROWS = 6, ONE_ROW = 2, BYTE_GROUPS = 4, BYTE_ROWS = 6, ONE_ROW_BYTES = 8 };
#elif defined(__AVX2__)
enum { PANEL = 1, ROWS = 6, ONE_ROW = 4, BYTE_GROUPS = 1, BYTE_ROWS = 3, ONE_ROW_BYTES = 2 };
#else
enum { PANEL = 1, ROWS = 3, ONE_ROW = 2, BYTE_GROUPS = 1, BYTE_ROWS = 1, ONE_ROW_BYTES = 2 };
#endif
enum { COLUMNS = PANEL * LANES, MOST_IN_BYTES = 1 << 16 };

#if defined(__AVX512VNNI__)
typedef uint8_t rounded;  /* a number of x in bytes, 128 more than it is */
enum { OFFSET = 128 };
#else
typedef int16_t rounded;
enum { OFFSET = 0 };
#endif
typedef rounded some_rounded __attribute__((vector_size(LANES * sizeof(rounded))));

typedef struct {
    int64_t K, N;
    float *floats;      /* [panels][K][COLUMNS], or */
    int8_t *bytes;      /* [groups of 16 columns][K / 4][16][4], with */
    float *scales;      /* of each column how much one unit is, and */
    int32_t *too_much;  /* OFFSET times the sum of each column */
} packed;

static inline int64_t up(int64_t n, int64_t by) { return (n + by - 1) / by; }

static packed *pack_floats(const value *w) {  /* "K N" */
    packed *p = calloc(1, sizeof *p);
    if (!p) return NULL;
    p->K = w->shape[0];
    p->N = w->shape[1];
    int64_t panels = up(p->N, COLUMNS);
    p->floats = aligned_alloc(64, (size_t)(panels * p->K * COLUMNS * 4 + 64) / 64 * 64);
    if (!p->floats) { free(p); return NULL; }
    const float *from = (const float *)w->data;
    for (int64_t i = 0; i < panels; i++) {
        float *to = p->floats + i * p->K * COLUMNS;
        int64_t first = i * COLUMNS, some = p->N - first < COLUMNS ? p->N - first : COLUMNS;
        if (some < COLUMNS) memset(to, 0, sizeof(float) * (size_t)(p->K * COLUMNS));
        if (w->stride[1] == 1)
            for (int64_t k = 0; k < p->K; k++) memcpy(to + k * COLUMNS, from + k * w->stride[0] + first, sizeof(float) * (size_t)some);
        else
            for (int64_t j = 0; j < some; j++)  /* in the order in which a matrix by rows is read */
                for (int64_t k = 0; k < p->K; k++) to[k * COLUMNS + j] = from[k * w->stride[0] + (first + j) * w->stride[1]];
    }
    return p;
}

static packed *pack_bytes(const value *w, const value *scale) {  /* "N K" and "N" */
    packed *p = calloc(1, sizeof *p);
    if (!p) return NULL;
    p->N = w->shape[0];
    p->K = w->shape[1];
    int64_t groups = up(up(p->N, LANES), BYTE_GROUPS) * BYTE_GROUPS, quads = up(p->K, 4);
    p->bytes = aligned_alloc(64, (size_t)(groups * quads * 64 + 64));
    p->scales = calloc((size_t)(groups * LANES), sizeof(float));
    p->too_much = calloc((size_t)(groups * LANES), sizeof(int32_t));
    if (!p->bytes || !p->scales || !p->too_much) { free(p->bytes); free(p->scales); free(p->too_much); free(p); return NULL; }
    memset(p->bytes, 0, (size_t)(groups * quads * 64));
    for (int64_t n = 0; n < p->N; n++) {
        p->scales[n] = ((const float *)scale->data)[n * scale->stride[0]];
        for (int64_t k = 0; k < p->K; k++) {
            int8_t one = ((const int8_t *)w->data)[n * w->stride[0] + k * w->stride[1]];
            p->bytes[((n / LANES) * quads + k / 4) * 64 + (n % LANES) * 4 + k % 4] = one;
            p->too_much[n] += OFFSET * one;
        }
    }
    return p;
}

static void unpack(packed *p) {
    if (!p) return;
    free(p->floats);
    free(p->bytes);
    free(p->scales);
    free(p->too_much);
    free(p);
}

/* --- float32 --- */

/* `rows` rows of x by `panels` panels: to[r, n] = sum_k x[r, k] w[k, n] + bias[n]. */
static inline __attribute__((always_inline)) void float_tile(
    const int rows, const int panels, float *to, int64_t to_row, const float *x, int64_t x_row, const float *w, int64_t K, int64_t columns,
    const float *bias) {
    vec sum[8][8];
    UNROLL for (int r = 0; r < rows; r++) UNROLL for (int j = 0; j < panels * PANEL; j++) sum[r][j] = all(0.0f);
    for (int64_t k = 0; k < K; k++) {
        vec read[8];
        UNROLL for (int p = 0; p < panels; p++) UNROLL for (int j = 0; j < PANEL; j++) read[p * PANEL + j] = load(w + (p * K + k) * COLUMNS + j * LANES);
        UNROLL for (int r = 0; r < rows; r++) {
            vec one = all(x[r * x_row + k]);
            UNROLL for (int j = 0; j < panels * PANEL; j++) sum[r][j] += one * read[j];
        }
    }
    UNROLL for (int r = 0; r < rows; r++)
        UNROLL for (int j = 0; j < panels * PANEL; j++) {
            int64_t left = columns - j * LANES;
            if (left <= 0) continue;
            if (left >= LANES) store(to + r * to_row + j * LANES, bias ? sum[r][j] + load(bias + j * LANES) : sum[r][j]);
            else store_some(to + r * to_row + j * LANES, bias ? sum[r][j] + load_some(bias + j * LANES, left, 0.0f) : sum[r][j], left);
        }
}

/* Each size of a tile on its own, so that its sums keep to the registers. */
#define FLOAT_TILE(rows, panels) static __attribute__((noinline)) void float_tile_##rows##_##panels( \
    float *to, int64_t to_row, const float *x, int64_t x_row, const float *w, int64_t K, int64_t columns, const float *bias) { \
    float_tile(rows, panels, to, to_row, x, x_row, w, K, columns, bias); \
}
FLOAT_TILE(1, ONE_ROW) FLOAT_TILE(1, 1) FLOAT_TILE(2, 1) FLOAT_TILE(3, 1) FLOAT_TILE(4, 1) FLOAT_TILE(5, 1) FLOAT_TILE(6, 1)
typedef void (*float_function)(float *, int64_t, const float *, int64_t, const float *, int64_t, int64_t, const float *);
static const float_function FLOAT_TILES[] = {NULL, float_tile_1_1, float_tile_2_1, float_tile_3_1, float_tile_4_1, float_tile_5_1, float_tile_6_1};

typedef struct { float *to; const float *x, *bias; int64_t R; const packed *p; const rounded *read; const float *units; } product;

static void float_panels(void *about, int64_t from, int64_t to) {
    const product *m = about;
    int64_t K = m->p->K, N = m->p->N;
    for (int64_t i = from; i < to;) {
        const float *w = m->p->floats + i * K * COLUMNS, *b = m->bias ? m->bias + i * COLUMNS : NULL;
        bool alone = m->R == 1 && i + ONE_ROW <= to;
        if (alone) float_tile_1_ONE_ROW(m->to + i * COLUMNS, N, m->x, K, w, K, N - i * COLUMNS, b);
        for (int64_t r = 0; !alone && r < m->R; r += ROWS)
            FLOAT_TILES[m->R - r < ROWS ? m->R - r : ROWS](m->to + r * N + i * COLUMNS, N, m->x + r * K, K, w, K, N - i * COLUMNS, b);
        i += alone ? ONE_ROW : 1;
    }
}

/* --- bytes --- */

#if defined(__AVX2__)
typedef int32_t pairs __attribute__((vector_size(32)));
#endif

/* The largest size of n numbers; NaN where there is one: as whole numbers, the sizes of float32 have their own order, with NaN above all. */
static inline float top_size(const float *x, int64_t n) {
    ints top[4] = {0};
    int64_t i = 0;
    for (; i + 4 * LANES <= n; i += 4 * LANES) UNROLL for (int j = 0; j < 4; j++) top[j] = larger_whole((ints)load(x + i + j * LANES) & 0x7fffffff, top[j]);
    for (; i < n; i += LANES) top[0] = larger_whole((ints)(i + LANES <= n ? load(x + i) : load_some(x + i, n - i, 0.0f)) & 0x7fffffff, top[0]);
    return top_lane((vec)larger_whole(larger_whole(top[0], top[1]), larger_whole(top[2], top[3])));
}

static float round_row(rounded *to, const float *x, int64_t K, int64_t padded) {  /* what one unit of the row is */
    float top = top_size(x, K), times = top > 0.0f ? 127.0f / top : 0.0f;
    int64_t k = 0;
    for (; k < K; k += LANES) {
        vec n = round_of((k + LANES <= K ? load(x + k) : load_some(x + k, K - k, 0.0f)) * all(times));
        n = choose((n >= all(-127.0f)) & (n <= all(127.0f)), n, all(0.0f));  /* of NaN and infinities nothing; their unit is none */
        some_rounded each = __builtin_convertvector(__builtin_convertvector(n, ints) + OFFSET, some_rounded);
        memcpy(to + k, &each, sizeof(rounded) * (size_t)(k + LANES <= K ? LANES : K - k));
    }
    for (k = K; k < padded; k++) to[k] = OFFSET;
    return top / 127.0f;
}

/* Sums of `rows` rows of x with `groups` groups of columns, in whole numbers: [rows][groups]. */
static inline __attribute__((always_inline)) void byte_tile(
    const int rows, const int groups, ints *to, const rounded *x, int64_t x_row, const int8_t *w, int64_t quads) {
    ints sum[8][8];
#if defined(__AVX512VNNI__)
    UNROLL for (int r = 0; r < rows; r++) UNROLL for (int j = 0; j < groups; j++) sum[r][j] = (ints){0};
    for (int64_t k = 0; k < quads; k++) {
        __m512i read[8];
        UNROLL for (int j = 0; j < groups; j++) read[j] = _mm512_load_si512((const void *)(w + (j * quads + k) * 64));
        UNROLL for (int r = 0; r < rows; r++) {
            int32_t four;
            memcpy(&four, x + r * x_row + 4 * k, 4);
            __m512i one = _mm512_set1_epi32(four);
            UNROLL for (int j = 0; j < groups; j++) sum[r][j] = (ints)_mm512_dpbusd_epi32((__m512i)sum[r][j], one, read[j]);
        }
    }
#elif defined(__AVX2__)
    UNROLL for (int j = 0; j < groups; j++) {
        pairs two[8][4];  /* of four columns each, two sums a column */
        UNROLL for (int r = 0; r < rows; r++) UNROLL for (int q = 0; q < 4; q++) two[r][q] = (pairs){0};
        for (int64_t k = 0; k < quads; k++) {
            __m256i read[4];
            UNROLL for (int q = 0; q < 4; q++) read[q] = _mm256_cvtepi8_epi16(_mm_load_si128((const __m128i *)(w + (j * quads + k) * 64 + q * 16)));
            UNROLL for (int r = 0; r < rows; r++) {
                int64_t four;
                memcpy(&four, x + r * x_row + 4 * k, 8);
                __m256i one = _mm256_set1_epi64x(four);
                UNROLL for (int q = 0; q < 4; q++) two[r][q] += (pairs)_mm256_madd_epi16(read[q], one);
            }
        }
        UNROLL for (int r = 0; r < rows; r++)
            UNROLL for (int q = 0; q < 4; q++)
                for (int i = 0; i < 4; i++) sum[r][j][4 * q + i] = two[r][q][2 * i] + two[r][q][2 * i + 1];
    }
#else
    for (int r = 0; r < rows; r++)
        for (int j = 0; j < groups; j++) {
            int32_t each[LANES] = {0};
            for (int64_t k = 0; k < quads; k++)
                for (int n = 0; n < LANES; n++)
                    for (int i = 0; i < 4; i++) each[n] += (int32_t)x[r * x_row + 4 * k + i] * w[(j * quads + k) * 64 + n * 4 + i];
            memcpy(&sum[r][j], each, sizeof each);
        }
#endif
    UNROLL for (int r = 0; r < rows; r++) UNROLL for (int j = 0; j < groups; j++) to[r * groups + j] = sum[r][j];
}
/* Each size of a tile on its own, so that its sums keep to the registers. */
#define BYTE_TILE(rows, groups) static __attribute__((noinline)) void byte_tile_##rows##_##groups( \
    ints *to, const rounded *x, int64_t x_row, const int8_t *w, int64_t quads) { \
    byte_tile(rows, groups, to, x, x_row, w, quads); \
}
BYTE_TILE(1, ONE_ROW_BYTES) BYTE_TILE(1, BYTE_GROUPS) BYTE_TILE(2, BYTE_GROUPS) BYTE_TILE(3, BYTE_GROUPS) BYTE_TILE(4, BYTE_GROUPS)
BYTE_TILE(5, BYTE_GROUPS) BYTE_TILE(6, BYTE_GROUPS)
typedef void (*byte_function)(ints *, const rounded *, int64_t, const int8_t *, int64_t);
static const byte_function BYTE_TILES[] = {
    NULL, byte_tile_1_BYTE_GROUPS, byte_tile_2_BYTE_GROUPS, byte_tile_3_BYTE_GROUPS, byte_tile_4_BYTE_GROUPS, byte_tile_5_BYTE_GROUPS,
    byte_tile_6_BYTE_GROUPS,
};

/* to[r, n] = sum[r, n] unit[r] scale[n] + bias[n], of the groups from the first on. */
static void write_tile(int64_t rows, int64_t groups, float *to, int64_t first, const ints *sum, const float *units, const packed *p, const float *bias) {
    int64_t N = p->N;
    for (int64_t j = 0; j < groups; j++) {
        int64_t n = (first + j) * LANES, left = N - n;
        if (left <= 0) break;
        ints less = (ints)load((const float *)(p->too_much + n));
        vec scale = load(p->scales + n), more = !bias ? all(0.0f) : left >= LANES ? load(bias + n) : load_some(bias + n, left, 0.0f);
        for (int64_t r = 0; r < rows; r++) {
            vec told = __builtin_convertvector(sum[r * groups + j] - less, vec) * (all(units[r]) * scale) + more;
            if (left >= LANES) store(to + r * N + n, told);
            else store_some(to + r * N + n, told, left);
        }
    }
}

static void byte_panels(void *about, int64_t from, int64_t to) {  /* of BYTE_GROUPS groups */
    const product *m = about;
    const packed *p = m->p;
    int64_t quads = up(p->K, 4), row = quads * 4, end = to * BYTE_GROUPS;
    ints sum[BYTE_ROWS * BYTE_GROUPS > ONE_ROW_BYTES ? BYTE_ROWS * BYTE_GROUPS : ONE_ROW_BYTES];
    for (int64_t first = from * BYTE_GROUPS; first < end;) {
        const int8_t *w = p->bytes + first * quads * 64;
        bool alone = m->R == 1 && first + ONE_ROW_BYTES <= end;
        int64_t wide = alone ? ONE_ROW_BYTES : BYTE_GROUPS;
        for (int64_t r = 0; r < m->R; r += BYTE_ROWS) {
            int64_t rows = m->R - r < BYTE_ROWS ? m->R - r : BYTE_ROWS;
            (alone ? byte_tile_1_ONE_ROW_BYTES : BYTE_TILES[rows])(sum, m->read + r * row, row, w, quads);
            write_tile(rows, wide, m->to + r * p->N, first, sum, m->units + r, p, m->bias);
        }
        first += wide;
    }
}

/* x, "R K", with a packed matrix: "R N". */
static status multiply(float *to, const float *x, int64_t R, const packed *p, const float *bias) {
    product m = {.to = to, .x = x, .bias = bias, .R = R, .p = p};
    int64_t cost = R * p->K * p->N;
    if (!p->bytes) { in_pieces(up(p->N, COLUMNS), cost, float_panels, &m); return OK; }
    int64_t row = up(p->K, 4) * 4;
    block *room = take_block(R * (row * (int64_t)sizeof(rounded) + 64) + 64);
    NEED(room);
    float *units = (float *)numbers_of(room);
    rounded *read = (rounded *)(numbers_of(room) + up(R * 4, 64) * 64);
    for (int64_t r = 0; r < R; r++) units[r] = round_row(read + r * row, x + r * p->K, p->K, row);
    m.read = read;
    m.units = units;
    in_pieces(up(up(p->N, LANES), BYTE_GROUPS), cost / 4, byte_panels, &m);
    let_go(room);
    return OK;
}
