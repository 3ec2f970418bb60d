/* Arrays that are made of sizes, or filled around others. */
#pragma once

#include "shapes.h"

static void fill_with(const value *out, const char *one) {
    value x = *out;
    x.data = (char *)one;
    for (int i = 0; i < x.rank; i++) x.stride[i] = 0;
    copy_into(out, &x);
}

static status op_pad(const call *c) {  /* after, before */
    int n, m;
    const int64_t *after, *before;
    TRY(sizes_told(c, 0, &n, &after));
    TRY(sizes_told(c, n + 1, &m, &before));
    const value *x = c->in[0];
    NEED(c->n == 2 && n == x->rank && m == x->rank && c->in[1]->dtype == x->dtype && count(c->in[1]) == 1);
    int64_t shape[RANKS];
    for (int i = 0; i < n; i++) {
        NEED(after[i] >= 0 && before[i] >= 0 && after[i] <= LARGEST && before[i] <= LARGEST);
        shape[i] = before[i] + x->shape[i] + after[i];
    }
    TRY(bounded(n, shape));
    TRY(make(c->out, (dtype)x->dtype, n, shape));
    fill_with(c->out, c->in[1]->data);
    value part = *c->out;
    for (int i = 0; i < n; i++) part = part_of(&part, i, before[i], x->shape[i]);
    copy_into(&part, x);
    return OK;
}

static status op_tile(const call *c) {
    int n;
    const int64_t *repeats;
    TRY(sizes_told(c, 0, &n, &repeats));
    const value *x = c->in[0];
    int rank = n > x->rank ? n : x->rank;
    int64_t shape[RANKS], wide[RANKS];
    NEED(2 * rank <= RANKS);
    value from = *x, to;
    for (int i = 0; i < rank; i++) {
        int axis = i - (rank - x->rank), of = i - (rank - n);
        int64_t size = axis < 0 ? 1 : x->shape[axis], times = of < 0 ? 1 : repeats[of];
        NEED(times >= 0 && times <= LARGEST);
        wide[2 * i] = times;
        wide[2 * i + 1] = size;
        from.stride[2 * i] = 0;
        from.stride[2 * i + 1] = axis < 0 ? 0 : x->stride[axis];
        NEED(!__builtin_mul_overflow(size, times, shape + i));
    }
    TRY(bounded(rank, shape));
    TRY(make(&to, (dtype)x->dtype, 2 * rank, wide));
    from.rank = (int8_t)(2 * rank);
    memcpy(from.shape, wide, sizeof wide);
    copy_into(&to, &from);
    to.rank = (int8_t)rank;
    memcpy(to.shape, shape, sizeof shape);
    lay_out(&to);
    *c->out = to;
    return OK;
}

static status op_windows(const call *c) {  /* axis, size, step */
    int axis;
    value x = *c->in[0];
    NEED(c->places == 3 && x.rank < RANKS);
    TRY(axis_told(c, 0, x.rank, &axis));
    int64_t size = c->told[1], step = c->told[2];
    NEED(size >= 1 && step >= 1 && size <= x.shape[axis]);
    x.shape[axis] = (x.shape[axis] - size) / step + 1;
    x.shape[(int)x.rank] = size;
    x.stride[(int)x.rank] = x.stride[axis];
    x.stride[axis] *= step;
    x.rank++;
    TRY(make(c->out, (dtype)x.dtype, x.rank, x.shape));
    copy_into(c->out, &x);
    return OK;
}

static status op_arange(const call *c) {  /* start, step, stop */
    NEED(c->places == 3 && c->told[1] != 0 && llabs(c->told[0]) < LARGEST && llabs(c->told[1]) < LARGEST && llabs(c->told[2]) < LARGEST);
    int64_t start = c->told[0], step = c->told[1], stop = c->told[2], n = (stop - start + step - (step > 0 ? 1 : -1)) / step;
    if ((step > 0 && stop <= start) || (step < 0 && stop >= start)) n = 0;
    TRY(bounded(1, &n));
    TRY(make(c->out, INT64, 1, &n));
    for (int64_t i = 0; i < n; i++) ((int64_t *)c->out->data)[i] = start + i * step;
    return OK;
}

static status op_full(const call *c) {  /* dtype, shape, value, whether it is a whole number: else it is the bits of a double */
    int rank;
    const int64_t *shape;
    NEED(c->places >= 4 && c->told[0] >= 0 && c->told[0] < DTYPES);
    TRY(sizes_told(c, 1, &rank, &shape));
    NEED(c->places == rank + 4);
    TRY(bounded(rank, shape));
    dtype kind = (dtype)c->told[0];
    TRY(make(c->out, kind, rank, shape));
    int64_t told = c->told[rank + 2];
    bool is_whole = c->told[rank + 3] != 0;
    double number = is_whole ? (double)told : as_number(told);
    NEED(is_whole || kind >= FLOAT32);
    union { float f; double d; int64_t l; int32_t i; int8_t b; } one;
    switch (kind) {
    case FLOAT32: one.f = (float)number; break;
    case FLOAT64: one.d = number; break;
    case INT64: one.l = told; break;
    case INT32: one.i = (int32_t)told; break;
    default: one.b = (int8_t)told;
    }
    fill_with(c->out, (const char *)&one);
    return OK;
}

static status op_tril(const call *c) {
    const value *x = c->in[0];
    NEED(c->places == 1 && x->rank >= 2);
    TRY(make(c->out, (dtype)x->dtype, x->rank, x->shape));
    copy_into(c->out, x);
    int64_t rows = x->shape[x->rank - 2], columns = x->shape[x->rank - 1], size = BYTES[x->dtype], n = count(x);
    for (int64_t at = 0; at < n; at += columns) {
        int64_t first = at / columns % rows + c->told[0] + 1;
        first = first < 0 ? 0 : first;
        if (first < columns) memset(c->out->data + (at + first) * size, 0, (size_t)((columns - first) * size));
    }
    return OK;
}
