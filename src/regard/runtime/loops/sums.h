/* Sums, norms and what else is told of whole rows.
 *
 * Rows are added in sixteen lanes, or four times as many, each number to the lane of its place, and the lanes in one order: zeros behind a
 * row change nothing.
 */
#pragma once

#include "shapes.h"
#include "threads.h"
#include "vector.h"

/* x with these axes last, in order, without gaps. */
static status axes_last(value *out, const value *x, int n, const int64_t *axes) {
    unsigned chosen = 0;
    for (int i = 0; i < n; i++) { NEED(axes[i] >= 0 && axes[i] < x->rank && !(chosen >> axes[i] & 1)); chosen |= 1u << axes[i]; }
    value turned = *x;
    int to = 0;
    for (int pass = 0; pass < 2; pass++)
        for (int i = 0; i < x->rank; i++) {
            if ((int)(chosen >> i & 1) != pass) continue;
            turned.shape[to] = x->shape[i];
            turned.stride[to++] = x->stride[i];
        }
    return whole(out, &turned);
}

static float sum_row(const float *x, int64_t n) {
    vec sum = all(0.0f);
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES) sum += load(x + i);
    if (i < n) sum += load_some(x + i, n - i, 0.0f);
    return sum_lanes(sum);
}
static float top_row(const float *x, int64_t n) {
    vec top[4] = {all(-INFINITY), all(-INFINITY), all(-INFINITY), all(-INFINITY)};
    int64_t i = 0;
    for (; i + 4 * LANES <= n; i += 4 * LANES) UNROLL for (int j = 0; j < 4; j++) top[j] = larger(load(x + i + j * LANES), top[j]);
    for (; i < n; i += LANES) top[0] = larger(i + LANES <= n ? load(x + i) : load_some(x + i, n - i, -INFINITY), top[0]);
    return top_lane(larger(larger(top[0], top[1]), larger(top[2], top[3])));
}
/* exp(x - less), less being the largest, and their sum; to: NULL for the sum alone.  In four sums, each vector to that of its place. */
static float exp_row(float *to, const float *x, float less, int64_t n) {
    vec sum[4] = {all(0.0f), all(0.0f), all(0.0f), all(0.0f)}, shift = all(less);
    int64_t i = 0;
    for (; i + 4 * LANES <= n; i += 4 * LANES)
        UNROLL for (int j = 0; j < 4; j++) {
            vec e = exp_below(load(x + i + j * LANES) - shift);
            sum[j] += e;
            if (to) store(to + i + j * LANES, e);
        }
    for (int j = 0; i < n; i += LANES, j++) {
        int64_t left = n - i < LANES ? n - i : LANES;
        vec e = exp_below(load_some(x + i, left, -INFINITY) - shift);
        sum[j] += choose(FIRST < (int32_t)left, e, all(0.0f));
        if (to) store_some(to + i, e, left);
    }
    return sum_lanes((sum[0] + sum[1]) + (sum[2] + sum[3]));
}

typedef enum { SUM, MEAN, AMAX, AMIN, PROD, ANY, ALL, LOGSUMEXP } reduction;

static void reduce_floats(reduction how, float *to, const float *x, int64_t rows, int64_t n) {
    for (int64_t r = 0; r < rows; r++, x += n) {
        float told = 0.0f, top;
        switch (how) {
        case SUM: told = sum_row(x, n); break;
        case MEAN: told = sum_row(x, n) / (float)n; break;
        case AMAX: told = top_row(x, n); break;
        case AMIN: told = INFINITY; for (int64_t i = 0; i < n; i++) told = x[i] < told || x[i] != x[i] ? x[i] : told; break;
        case PROD: told = 1.0f; for (int64_t i = 0; i < n; i++) told *= x[i]; break;
        case LOGSUMEXP:
            top = top_row(x, n);
            top = isfinite(top) ? top : 0.0f;
            told = logf(exp_row(NULL, x, top, n)) + top;
            break;
        default: break;
        }
        to[r] = told;
    }
}
static bool reduce_whole(reduction how, int64_t *to, const int64_t *x, int64_t rows, int64_t n) {
    if (how != SUM && how != AMAX && how != AMIN && how != PROD) return false;
    for (int64_t r = 0; r < rows; r++, x += n) {
        int64_t told = how == AMAX ? INT64_MIN : how == AMIN ? INT64_MAX : how == PROD;
        for (int64_t i = 0; i < n; i++)
            told = how == SUM ? (int64_t)((uint64_t)told + (uint64_t)x[i]) : how == PROD ? (int64_t)((uint64_t)told * (uint64_t)x[i])
                   : (how == AMAX) == (x[i] > told) ? x[i] : told;
        to[r] = told;
    }
    return true;
}
static void reduce_doubles(reduction how, double *to, const double *x, int64_t rows, int64_t n) {
    for (int64_t r = 0; r < rows; r++, x += n) {
        double told = how == AMAX ? -INFINITY : how == AMIN ? INFINITY : how == PROD;
        for (int64_t i = 0; i < n; i++)
            told = how == SUM || how == MEAN ? told + x[i] : how == PROD ? told * x[i] : how == AMAX ? fmax(told, x[i]) : fmin(told, x[i]);
        to[r] = how == MEAN ? told / (double)n : told;
    }
}

static status reduce(const call *c, reduction how) {  /* axes, keeps */
    int n;
    const int64_t *axes;
    const value *x = c->in[0];
    TRY(sizes_told(c, 0, &n, &axes));
    NEED(c->n == 1 && c->places == n + 2);
    dtype kind = (dtype)x->dtype, made = how == ANY || how == ALL ? BOOL : kind;
    NEED(kind == FLOAT32 || (kind == FLOAT64 && how <= PROD) || (kind == INT64 && how <= PROD) || (kind == BOOL && (how == ANY || how == ALL)));
    value flat;
    TRY(axes_last(&flat, x, n, axes));
    int64_t shape[RANKS], length = 1;
    int rank = 0;
    for (int i = 0; i < x->rank; i++) {
        bool gone = false;
        for (int k = 0; k < n; k++) gone |= axes[k] == i;
        if (gone) length *= x->shape[i];
        if (!gone || c->told[n + 1]) shape[rank++] = gone ? 1 : x->shape[i];
    }
    status told = (how == AMAX || how == AMIN) && !length ? CANNOT : make(c->out, made, rank, shape);
    int64_t rows = told == OK ? count(c->out) : 0;
    void *to = told == OK ? c->out->data : NULL;
    if (told == OK && made == BOOL) {
        for (int64_t r = 0; r < rows; r++) {
            const uint8_t *row = (const uint8_t *)flat.data + r * length;
            uint8_t truth = how == ALL;
            for (int64_t i = 0; i < length; i++) truth = how == ALL ? truth & (row[i] != 0) : truth | (row[i] != 0);
            ((uint8_t *)to)[r] = truth;
        }
    } else if (told == OK && kind == FLOAT32) reduce_floats(how, to, (const float *)flat.data, rows, length);
    else if (told == OK && kind == FLOAT64) reduce_doubles(how, to, (const double *)flat.data, rows, length);
    else if (told == OK && !reduce_whole(how, to, (const int64_t *)flat.data, rows, length)) { told = CANNOT; let_go(c->out->held); }
    let_go(flat.held);
    return told;
}
#define REDUCTION(name, how) static status op_##name(const call *c) { return reduce(c, how); }
REDUCTION(sum, SUM) REDUCTION(mean, MEAN) REDUCTION(amax, AMAX) REDUCTION(amin, AMIN) REDUCTION(prod, PROD)
REDUCTION(any, ANY) REDUCTION(all, ALL) REDUCTION(logsumexp, LOGSUMEXP)

static status op_argmax(const call *c) {  /* axis, keeps */
    const value *x = c->in[0];
    int axis;
    TRY(axis_told(c, 0, x->rank, &axis));
    NEED(c->places == 2 && (x->dtype == FLOAT32 || x->dtype == INT64) && x->shape[axis]);
    value flat;
    TRY(axes_last(&flat, x, 1, (int64_t[]){axis}));
    int64_t shape[RANKS], n = x->shape[axis];
    int rank = 0;
    for (int i = 0; i < x->rank; i++) if (i != axis || c->told[1]) shape[rank++] = i == axis ? 1 : x->shape[i];
    status told = make(c->out, INT64, rank, shape);
    for (int64_t r = 0, rows = told == OK ? count(c->out) : 0; r < rows; r++) {
        int64_t best = 0;
        for (int64_t i = 1; i < n; i++) {
            if (x->dtype == INT64) { const int64_t *row = (const int64_t *)flat.data + r * n; if (row[i] > row[best]) best = i; continue; }
            const float *row = (const float *)flat.data + r * n;
            if (row[best] == row[best] && (row[i] > row[best] || row[i] != row[i])) best = i;
        }
        ((int64_t *)c->out->data)[r] = best;
    }
    let_go(flat.held);
    return told;
}

/* Of each row along an axis, a row. */
typedef void (*row_function)(float *to, const float *x, int64_t n);

typedef struct { char *to; const char *x; row_function f; int64_t n, bytes; } rows;
static void over_rows(void *about, int64_t from, int64_t to) {
    const rows *w = about;
    for (int64_t r = from; r < to; r++) w->f((float *)(w->to + r * w->bytes), (const float *)(w->x + r * w->bytes), w->n);
}

static status each_row(const call *c, row_function f, bool whole_numbers) {
    const value *x = c->in[0];
    int axis;
    TRY(axis_told(c, 0, x->rank, &axis));
    NEED(x->dtype == FLOAT32 || whole_numbers);
    value flat, made;
    TRY(axes_last(&flat, x, 1, (int64_t[]){axis}));
    bool itself = flat.data == x->data;
    if (itself) let_go(flat.held);  /* who called holds it */
    int64_t shape[RANKS], n = x->shape[axis];
    for (int i = 0, k = 0; i < x->rank; i++) if (i != axis) shape[k++] = x->shape[i];
    shape[x->rank - 1] = n;
    status told = axis == x->rank - 1 ? make_over(c, (dtype)x->dtype, x->rank, shape) : make(&made, (dtype)x->dtype, x->rank, shape);
    if (told == OK && axis == x->rank - 1) made = *c->out;
    if (told == OK && n) {
        rows all_rows = {made.data, flat.data, f, n, n * BYTES[x->dtype]};
        in_pieces(count(x) / n, count(x) * 8, over_rows, &all_rows);
    }
    if (!itself) let_go(flat.held);
    if (told != OK || axis == x->rank - 1) return told;
    *c->out = made;  /* its last axis goes back to where it was */
    for (int i = 0; i < x->rank; i++) {
        int from = i == axis ? x->rank - 1 : i < axis ? i : i - 1;
        c->out->shape[i] = made.shape[from];
        c->out->stride[i] = made.stride[from];
    }
    return OK;
}

static void softmax_row(float *to, const float *x, int64_t n) {
    vec times = all(1.0f / exp_row(to, x, top_row(x, n), n));
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES) store(to + i, load(to + i) * times);
    if (i < n) store_some(to + i, load_some(to + i, n - i, 0.0f) * times, n - i);
}
static void log_softmax_row(float *to, const float *x, int64_t n) {
    float top = top_row(x, n), whole_sum = logf(exp_row(NULL, x, top, n));
    for (int64_t i = 0; i < n; i++) to[i] = x[i] - top - whole_sum;
}
static void cumsum_row(float *to, const float *x, int64_t n) { float sum = 0.0f; for (int64_t i = 0; i < n; i++) to[i] = sum += x[i]; }
static void cumsum_whole(float *to, const float *x, int64_t n) {
    int64_t sum = 0;
    for (int64_t i = 0; i < n; i++) ((int64_t *)to)[i] = sum = (int64_t)((uint64_t)sum + (uint64_t)((const int64_t *)x)[i]);
}
static void cumprod_row(float *to, const float *x, int64_t n) { float all_of = 1.0f; for (int64_t i = 0; i < n; i++) to[i] = all_of *= x[i]; }
static void cummax_row(float *to, const float *x, int64_t n) {
    float top = -INFINITY;
    for (int64_t i = 0; i < n; i++) to[i] = top = top != top || !(x[i] > top || x[i] != x[i]) ? top : x[i];
}
static void logcumsumexp_row(float *to, const float *x, int64_t n) {
    float sum = -INFINITY;
    for (int64_t i = 0; i < n; i++) {
        float most = x[i] > sum ? x[i] : sum, least = x[i] > sum ? sum : x[i];
        to[i] = sum = most == -INFINITY ? most : x[i] != x[i] || sum != sum ? x[i] + sum : most + log1pf(expf(least - most));
    }
}
static status op_softmax(const call *c) { return each_row(c, softmax_row, false); }
static status op_log_softmax(const call *c) { return each_row(c, log_softmax_row, false); }
static status op_cumsum(const call *c) { return c->in[0]->dtype == INT64 ? each_row(c, cumsum_whole, true) : each_row(c, cumsum_row, false); }
static status op_cumprod(const call *c) { return each_row(c, cumprod_row, false); }
static status op_cummax(const call *c) { return each_row(c, cummax_row, false); }
static status op_logcumsumexp(const call *c) { return each_row(c, logcumsumexp_row, false); }

static float spread_row(const float *x, float mean, int64_t n) {  /* the sum of squared distances */
    vec sum = all(0.0f), middle = all(mean);
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES) { vec d = load(x + i) - middle; sum += d * d; }
    if (i < n) { vec d = load_some(x + i, n - i, mean) - middle; sum += d * d; }
    return sum_lanes(sum);
}

static status op_layer_norm(const call *c) {  /* epsilon */
    const value *x = c->in[0];
    NEED(c->n == 3 && c->places == 1 && x->rank >= 1 && x->dtype == FLOAT32);
    int64_t n = x->shape[x->rank - 1], rows = n ? count(x) / n : 0;
    for (int i = 1; i < 3; i++) NEED(c->in[i]->dtype == FLOAT32 && c->in[i]->rank == 1 && c->in[i]->shape[0] == n && c->in[i]->stride[0] == 1);
    const float *weight = (const float *)c->in[1]->data, *bias = (const float *)c->in[2]->data;
    float epsilon = (float)as_number(c->told[0]);
    value flat;
    TRY(whole(&flat, x));
    status told = make(c->out, FLOAT32, x->rank, x->shape);
    for (int64_t r = 0; told == OK && r < rows; r++) {
        const float *from = (const float *)flat.data + r * n;
        float *to = (float *)c->out->data + r * n, mean = sum_row(from, n) / (float)n;
        float by = sqrtf(spread_row(from, mean, n) / (float)n + epsilon);
        for (int64_t i = 0; i < n; i++) to[i] = (from[i] - mean) / by * weight[i] + bias[i];
    }
    let_go(flat.held);
    return told;
}

static status op_group_norm(const call *c) {  /* epsilon, groups: of "B C ..." */
    const value *x = c->in[0];
    NEED(c->n == 3 && c->places == 2 && x->rank >= 2 && x->dtype == FLOAT32);
    int64_t channels = x->shape[1], groups = c->told[1], places = 1;
    NEED(groups >= 1 && groups <= channels && channels % groups == 0);
    for (int i = 2; i < x->rank; i++) places *= x->shape[i];
    for (int i = 1; i < 3; i++) NEED(c->in[i]->dtype == FLOAT32 && c->in[i]->rank == 1 && c->in[i]->shape[0] == channels && c->in[i]->stride[0] == 1);
    const float *weight = (const float *)c->in[1]->data, *bias = (const float *)c->in[2]->data;
    value flat;
    TRY(whole(&flat, x));
    status told = make(c->out, FLOAT32, x->rank, x->shape);
    int64_t n = channels / groups * places, rows = told == OK && n ? count(x) / n : 0;
    for (int64_t r = 0; r < rows; r++) {
        const float *from = (const float *)flat.data + r * n;
        float *to = (float *)c->out->data + r * n, mean = sum_row(from, n) / (float)n;
        float by = sqrtf(spread_row(from, mean, n) / (float)n + (float)as_number(c->told[0]));
        for (int64_t i = 0; i < n; i++) {
            int64_t channel = r % groups * (channels / groups) + i / places;
            to[i] = (from[i] - mean) / by * weight[channel] + bias[channel];
        }
    }
    let_go(flat.held);
    return told;
}
