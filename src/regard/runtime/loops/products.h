/* Products: of an array with a matrix that is known beforehand, and of two arrays that are not. */
#pragma once

#include "packed.h"
#include "shapes.h"

/* x, and a bias where there is one: with the packed matrix. */
static status op_linear(const call *c) {
    const value *x = c->in[0];
    const packed *p = ((const packed *const *)c->kept)[0];
    NEED((c->n == 1 || c->n == 2) && x->dtype == FLOAT32 && x->rank >= 1 && x->shape[x->rank - 1] == p->K);
    const float *bias = NULL;
    if (c->n == 2) {
        NEED(c->in[1]->dtype == FLOAT32 && c->in[1]->rank == 1 && c->in[1]->shape[0] == p->N && c->in[1]->stride[0] == 1);
        bias = (const float *)c->in[1]->data;
    }
    value flat;
    TRY(whole(&flat, x));
    int64_t shape[RANKS], rows = 1;
    for (int i = 0; i < x->rank - 1; i++) { shape[i] = x->shape[i]; rows *= shape[i]; }
    shape[x->rank - 1] = p->N;
    status told = make(c->out, FLOAT32, x->rank, shape);
    if (told == OK && (told = multiply((float *)c->out->data, (const float *)flat.data, rows, p, bias)) != OK) let_go(c->out->held);
    let_go(flat.held);
    return told;
}

enum { AHEAD = 3 };  /* pages */

static inline float dot(const float *x, const float *y, int64_t n) {
    vec sum = all(0.0f);
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES) sum += load(x + i) * load(y + i);
    if (i < n) sum += load_some(x + i, n - i, 0.0f) * load_some(y + i, n - i, 0.0f);
    return sum_lanes(sum);
}

/* `rows` rows of sums of y's rows, each row of y as often as x says. */
static inline __attribute__((always_inline)) void weighted_sum(
    const int rows, float *to, int64_t to_row, const float *x, int64_t x_row, int64_t x_step, const float *y, int64_t y_row, int64_t K, int64_t N) {
    for (int64_t n = 0; n < N; n += 2 * LANES) {
        vec sum[4][2];
        int64_t left = N - n;
        UNROLL for (int r = 0; r < rows; r++) sum[r][0] = sum[r][1] = all(0.0f);
        for (int64_t k = 0; k < K; k++) {
            const float *from = y + k * y_row + n;
            vec a = left >= LANES ? load(from) : load_some(from, left, 0.0f);
            vec b = left >= 2 * LANES ? load(from + LANES) : left > LANES ? load_some(from + LANES, left - LANES, 0.0f) : all(0.0f);
            UNROLL for (int r = 0; r < rows; r++) {
                vec one = all(x[r * x_row + k * x_step]);
                sum[r][0] += one * a;
                sum[r][1] += one * b;
            }
        }
        UNROLL for (int r = 0; r < rows; r++)
            UNROLL for (int j = 0; j < 2; j++) {
                int64_t some = left - j * LANES;
                if (some >= LANES) store(to + r * to_row + n + j * LANES, sum[r][j]);
                else if (some > 0) store_some(to + r * to_row + n + j * LANES, sum[r][j], some);
            }
    }
}

/* "M K" by "K N": strides of x (rows, K) and y (K, columns), one of y's being 1. */
static void multiply_two(float *to, const float *x, const int64_t *sx, const float *y, const int64_t *sy, int64_t M, int64_t K, int64_t N) {
    if (sy[1] == 1 || N == 1) {
        int64_t m = 0;
        if (N == 1 && sy[0] == 1 && sx[1] == 1) { for (; m < M; m++) to[m] = dot(x + m * sx[0], y, K); return; }
        for (; m + 4 <= M; m += 4) weighted_sum(4, to + m * N, N, x + m * sx[0], sx[0], sx[1], y, sy[0], K, N);
        for (; m < M; m++) weighted_sum(1, to + m * N, N, x + m * sx[0], sx[0], sx[1], y, sy[0], K, N);
        return;
    }
    for (int64_t m = 0; m < M; m++)
        for (int64_t n = 0; n < N; n++) to[m * N + n] = dot(x + m * sx[0], y + n * sy[1], K);
}

/* `multiply_two` with a y that lies in pages of `page` numbers, one for each of its columns (turned) or of its rows.  Pages lie scattered:
 * they are asked for some ahead. */
static inline __attribute__((always_inline)) void weigh_pages(
    float *to, const float *x, int64_t x_step, const float *y, const int32_t *table, int64_t page, int64_t K, int64_t n, int count, int64_t left) {
    vec sum[4] = {all(0.0f), all(0.0f), all(0.0f), all(0.0f)};
    for (int64_t k = 0; k < K; k++) {
        const float *from = y + table[k] * page + n;
        vec one = all(x[k * x_step]);
        UNROLL for (int j = 0; j < count; j++) sum[j] += one * (left >= LANES ? load(from + j * LANES) : load_some(from, left, 0.0f));
    }
    UNROLL for (int j = 0; j < count; j++) if (left >= LANES) store(to + n + j * LANES, sum[j]); else store_some(to + n, sum[j], left);
}

static void multiply_pages(float *to, const float *x, const int64_t *sx, const float *y, const int32_t *table, int64_t page, bool turned, int64_t M, int64_t K, int64_t N) {
    if (turned) {
        for (int64_t n = 0; n < N; n++) {
            if (n + AHEAD < N) for (int64_t k = 0; k < K; k += LANES) __builtin_prefetch(y + table[n + AHEAD] * page + k);
            for (int64_t m = 0; m < M; m++) to[m * N + n] = dot(x + m * sx[0], y + table[n] * page, K);
        }
        return;
    }
    for (int64_t k = 0; k < K; k++) for (int64_t n = 0; n < N; n += LANES) __builtin_prefetch(y + table[k] * page + n);
    for (int64_t m = 0; m < M; m++) {
        int64_t n = 0;
        for (; n + 4 * LANES <= N; n += 4 * LANES) weigh_pages(to + m * N, x + m * sx[0], sx[1], y, table, page, K, n, 4, LANES);
        for (; n + LANES <= N; n += LANES) weigh_pages(to + m * N, x + m * sx[0], sx[1], y, table, page, K, n, 1, LANES);
        if (n < N) weigh_pages(to + m * N, x + m * sx[0], sx[1], y, table, page, K, n, 1, N - n);
    }
}

typedef struct {
    float *to;
    const float *x, *y;
    const int32_t *table;  /* of y's pages, if it lies in such, of `page` numbers each; turned: each is a column */
    int64_t page, rows, places;
    bool turned;
    value wide_x, wide_y;  /* without their last two axes, stretched to one shape */
    int64_t sx[2], sy[2], M, K, N, shape[RANKS], copies;  /* copies: so many rows of y's first axis are one in memory: `reads_copies` */
    int rank;
} products;

static void multiply_batches(void *about, int64_t from, int64_t to) {
    const products *p = about;
    for (int64_t b = from; b < to; b++) {
        int64_t at_x = 0, at_y = 0, left = b, row = 0;
        for (int i = p->rank - 1; i >= 0; i--) {
            int64_t index = left % p->shape[i];
            left /= p->shape[i];
            if (!i) row = index % p->rows;
            at_x += index * p->wide_x.stride[i];
            at_y += (i ? index : index / p->copies) * p->wide_y.stride[i];
        }
        if (p->table)
            multiply_pages(p->to + b * p->M * p->N, p->x + at_x, p->sx, p->y + at_y, p->table + row * p->places, p->page, p->turned, p->M, p->K, p->N);
        else multiply_two(p->to + b * p->M * p->N, p->x + at_x, p->sx, p->y + at_y, p->sy, p->M, p->K, p->N);
    }
}

static status op_matmul(const call *c) {
    NEED(c->n == 2 && c->in[0]->dtype == FLOAT32 && c->in[1]->dtype == FLOAT32 && c->in[0]->rank >= 1 && c->in[1]->rank >= 1);
    value x = *c->in[0], y = *c->in[1];
    bool line = x.rank == 1, column = y.rank == 1;  /* of vectors, whose axis is left out again */
    if (line) { x.shape[1] = x.shape[0]; x.stride[1] = x.stride[0]; x.shape[0] = 1; x.rank = 2; }
    if (column) { y.shape[1] = 1; y.stride[1] = 1; y.rank = 2; }
    int64_t M = x.shape[x.rank - 2], K = x.shape[x.rank - 1], N = y.shape[y.rank - 1];
    NEED(y.shape[y.rank - 2] == K);
    int64_t kx = K == 1 ? 1 : x.stride[x.rank - 1], ky = K == 1 ? 1 : y.stride[y.rank - 2], ny = N == 1 ? 1 : y.stride[y.rank - 1];
    bool copies_x = kx != 1, copies_y = ny != 1 && ky != 1;  /* else each row, or each column, lies in one piece */
    value own_x = {0}, own_y = {0};
    if (copies_x) { TRY(whole(&own_x, &x)); x = own_x; }
    if (copies_y) { if (whole(&own_y, &y) != OK) { let_go(own_x.held); return CANNOT; } y = own_y; }
    value outer_x = x, outer_y = y;
    outer_x.rank -= 2;
    outer_y.rank -= 2;
    int rank;
    int64_t shape[RANKS];
    status told = broadcast(2, (const value *const[]){&outer_x, &outer_y}, &rank, shape);
    value wide_x, wide_y;
    if (told == OK) told = rank + 2 > RANKS ? CANNOT : stretch(&wide_x, &outer_x, rank, shape);
    if (told == OK) told = stretch(&wide_y, &outer_y, rank, shape);
    int whole_rank = rank;
    if (told == OK) {
        if (!line) shape[whole_rank++] = M;
        if (!column) shape[whole_rank++] = N;
        told = make(c->out, FLOAT32, whole_rank, shape);
    }
    if (told == OK && count(c->out)) {
        products p = {.to = (float *)c->out->data, .x = (const float *)x.data, .y = (const float *)y.data, .wide_x = wide_x, .wide_y = wide_y,
                      .sx = {x.stride[x.rank - 2], K == 1 ? 1 : x.stride[x.rank - 1]},
                      .sy = {K == 1 ? 1 : y.stride[y.rank - 2], N == 1 ? 1 : y.stride[y.rank - 1]},
                      .M = M, .K = K, .N = N, .rank = rank, .copies = y.copies > 1 ? y.copies : 1, .rows = rank && y.rank > 2 ? y.shape[0] : 1};
        if (y.paged) {
            p.table = (const int32_t *)numbers_of(y.held);
            p.places = y.shape[y.paged];
            p.page = 1;
            for (int i = 1; i < y.rank; i++) if (i != y.paged) p.page *= y.shape[i];
            p.turned = y.paged == y.rank - 1;
        }
        int64_t batches = 1;
        for (int i = 0; i < rank; i++) batches *= p.shape[i] = shape[i];
        in_pieces(batches, batches * M * K * N * 4, multiply_batches, &p);  /* small ones are slower than their products say */
    }
    let_go(own_x.held);
    let_go(own_y.held);
    return told;
}

/* Whether a product can read its second array where rows stand for several: rows are its outermost axis, and nothing need be copied. */
static bool reads_copies(const value *x, const value *y) {
    return y->rank >= 3 && x->rank <= y->rank && (y->stride[y->rank - 1] == 1 || y->stride[y->rank - 2] == 1);
}

/* The same of pages: one for each column or row, and what lies in one piece in each. */
static bool reads_pages(const value *x, const value *y) {
    return y->rank >= 3 && x->rank <= y->rank && x->dtype == FLOAT32 && y->dtype == FLOAT32 &&
           ((y->paged == y->rank - 1 && y->stride[y->rank - 2] == 1) || (y->paged == y->rank - 2 && y->stride[y->rank - 1] == 1));
}

/* "B C L ..." with the packed "C W ..., E": what each window says, "B E M ...".  Told: padding, stride, the window's sizes. */
static status op_convolution(const call *c) {
    const value *x = c->in[0];
    const packed *p = ((const packed *const *)c->kept)[0];
    int spatial = x->rank - 2, n;
    const int64_t *padding, *step, *window;
    NEED(spatial >= 1 && 2 + 2 * spatial <= RANKS && x->dtype == FLOAT32);
    TRY(sizes_told(c, 0, &n, &padding));
    NEED(n == spatial);
    TRY(sizes_told(c, n + 1, &n, &step));
    NEED(n == spatial);
    TRY(sizes_told(c, 2 * n + 2, &n, &window));
    NEED(n == spatial);
    const float *bias = NULL;
    if (c->n == 2) {
        NEED(c->in[1]->dtype == FLOAT32 && c->in[1]->rank == 1 && c->in[1]->shape[0] == p->N && c->in[1]->stride[0] == 1);
        bias = (const float *)c->in[1]->data;
    }
    int64_t wide[RANKS] = {x->shape[0], x->shape[1]}, taps = x->shape[1], places = x->shape[0];
    for (int i = 0; i < spatial; i++) {
        NEED(padding[i] >= 0 && padding[i] < LARGEST && step[i] >= 1 && window[i] >= 1);
        wide[2 + i] = x->shape[2 + i] + 2 * padding[i];
        NEED(wide[2 + i] >= window[i]);
        taps *= window[i];
    }
    NEED(taps == p->K);
    value padded, seen, rows, made;
    TRY(make(&padded, FLOAT32, x->rank, wide));
    memset(padded.data, 0, (size_t)(count(&padded) * 4));
    value inside = padded;
    for (int i = 0; i < spatial; i++) inside = part_of(&inside, 2 + i, padding[i], x->shape[2 + i]);
    copy_into(&inside, x);
    seen = padded;  /* B, M ..., C, W ... */
    seen.rank = (int8_t)(2 + 2 * spatial);
    int64_t shape[RANKS] = {x->shape[0]};
    for (int i = 0; i < spatial; i++) {
        seen.shape[1 + i] = shape[1 + i] = (wide[2 + i] - window[i]) / step[i] + 1;
        seen.stride[1 + i] = padded.stride[2 + i] * step[i];
        seen.shape[2 + spatial + i] = window[i];
        seen.stride[2 + spatial + i] = padded.stride[2 + i];
        places *= shape[1 + i];
    }
    seen.shape[1 + spatial] = x->shape[1];
    seen.stride[1 + spatial] = padded.stride[1];
    status told = whole(&rows, &seen);
    let_go(padded.held);
    if (told != OK) return told;
    shape[1 + spatial] = p->N;
    told = make(&made, FLOAT32, 2 + spatial, shape);
    if (told == OK && (told = multiply((float *)made.data, (const float *)rows.data, places, p, bias)) != OK) let_go(made.held);
    let_go(rows.held);
    if (told != OK) return told;
    *c->out = made;
    for (int i = 0; i <= spatial; i++) {  /* the channels go before the places */
        int from = i == 0 ? 1 + spatial : i;
        c->out->shape[1 + i] = made.shape[from];
        c->out->stride[1 + i] = made.stride[from];
    }
    return OK;
}
