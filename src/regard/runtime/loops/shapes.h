/* How arrays are made, cut, turned, joined and picked from.  What can be a view is one. */
#pragma once

#include "call.h"

static status sizes_told(const call *c, int64_t at, int *n, const int64_t **sizes) {  /* a tuple that it is told at this place */
    NEED(at < c->places && c->told[at] >= 0 && c->told[at] <= RANKS && at + c->told[at] < c->places);
    *n = (int)c->told[at];
    *sizes = c->told + at + 1;
    return OK;
}

static status axis_told(const call *c, int64_t at, int rank, int *axis) {
    NEED(at < c->places && c->told[at] >= -rank && c->told[at] < rank);
    *axis = (int)(c->told[at] < 0 ? c->told[at] + rank : c->told[at]);
    return OK;
}

static status bounded(int rank, const int64_t *shape) {  /* no array made of sizes alone is larger than LARGEST */
    int64_t n = 1;
    for (int i = 0; i < rank; i++) { NEED(shape[i] >= 0 && !__builtin_mul_overflow(n, shape[i], &n)); }
    NEED(n <= LARGEST);
    return OK;
}

static status op_reshape(const call *c) {
    int rank;
    const int64_t *shape;
    TRY(sizes_told(c, 0, &rank, &shape));
    int64_t n = 1;
    for (int i = 0; i < rank; i++) { NEED(shape[i] >= 0 && !__builtin_mul_overflow(n, shape[i], &n)); }
    NEED(n == count(c->in[0]));
    TRY(whole(c->out, c->in[0]));
    c->out->rank = (int8_t)rank;
    memcpy(c->out->shape, shape, sizeof *shape * (size_t)rank);
    lay_out(c->out);
    return OK;
}

static status op_expand(const call *c) {
    int rank;
    const int64_t *shape;
    TRY(sizes_told(c, 0, &rank, &shape));
    TRY(bounded(rank, shape));
    TRY(stretch(c->out, c->in[0], rank, shape));
    hold(c->out->held);
    return OK;
}

static status op_transpose(const call *c) {
    int rank;
    const int64_t *order;
    TRY(sizes_told(c, 0, &rank, &order));
    NEED(rank == c->in[0]->rank);
    unsigned seen = 0;
    value x = *c->in[0];
    for (int i = 0; i < rank; i++) {
        NEED(order[i] >= 0 && order[i] < rank && !(seen >> order[i] & 1));
        if (x.paged && order[i] == c->in[0]->paged) x.paged = (int8_t)i;
        seen |= 1u << order[i];
        x.shape[i] = c->in[0]->shape[order[i]];
        x.stride[i] = c->in[0]->stride[order[i]];
    }
    *c->out = view(&x);
    return OK;
}

static status op_unsqueeze(const call *c) {
    int axis, rank = c->in[0]->rank;
    NEED(rank < RANKS);
    TRY(axis_told(c, 0, rank + 1, &axis));
    value x = *c->in[0];
    for (int i = rank; i > axis; i--) { x.shape[i] = x.shape[i - 1]; x.stride[i] = x.stride[i - 1]; }
    x.shape[axis] = 1;
    x.stride[axis] = axis < rank ? x.stride[axis + 1] * (axis + 1 <= rank ? x.shape[axis + 1] : 1) : 1;
    x.rank++;
    *c->out = view(&x);
    return OK;
}

static value without_axis(const value *from, int axis, int64_t index) {
    value x = *from;
    x.data += index * x.stride[axis] * BYTES[x.dtype];
    for (int i = axis; i < x.rank - 1; i++) { x.shape[i] = x.shape[i + 1]; x.stride[i] = x.stride[i + 1]; }
    x.rank--;
    return view(&x);
}

static status op_squeeze(const call *c) {
    int axis;
    TRY(axis_told(c, 0, c->in[0]->rank, &axis));
    NEED(c->in[0]->shape[axis] == 1);
    *c->out = without_axis(c->in[0], axis, 0);
    return OK;
}

static status op_select(const call *c) {
    int axis;
    TRY(axis_told(c, 0, c->in[0]->rank, &axis));
    NEED(c->places == 2);
    int64_t size = c->in[0]->shape[axis], index = c->told[1] < 0 ? c->told[1] + size : c->told[1];
    NEED(index >= 0 && index < size);
    *c->out = without_axis(c->in[0], axis, index);
    return OK;
}

static int64_t place_in(int64_t place, int64_t size) {  /* as Python's slices count */
    if (place < 0) place += size;
    return place < 0 ? 0 : place > size ? size : place;
}

static status op_slice(const call *c) {  /* axis, start, step, stop */
    int axis;
    TRY(axis_told(c, 0, c->in[0]->rank, &axis));
    NEED(c->places == 4 && c->told[2] > 0);
    value x = *c->in[0];
    int64_t size = x.shape[axis], step = c->told[2];
    int64_t start = c->told[1] == ABSENT ? 0 : place_in(c->told[1], size), stop = c->told[3] == ABSENT ? size : place_in(c->told[3], size);
    x.shape[axis] = stop > start ? (stop - start - 1) / step + 1 : 0;
    if (x.shape[axis]) x.data += start * x.stride[axis] * BYTES[x.dtype];
    x.stride[axis] *= step;
    *c->out = view(&x);
    return OK;
}

static value part_of(const value *x, int axis, int64_t start, int64_t size) {  /* a view; nothing is held */
    value part = *x;
    part.data += start * x->stride[axis] * BYTES[x->dtype];
    part.shape[axis] = size;
    return part;
}

static status op_concat(const call *c) {
    int axis;
    NEED(c->n >= 1);
    const value *first = c->in[0];
    TRY(axis_told(c, 0, first->rank, &axis));
    int64_t shape[RANKS];
    memcpy(shape, first->shape, sizeof shape);
    shape[axis] = 0;
    for (int k = 0; k < c->n; k++) {
        NEED(c->in[k]->rank == first->rank && c->in[k]->dtype == first->dtype);
        for (int i = 0; i < first->rank; i++) NEED(i == axis || c->in[k]->shape[i] == first->shape[i]);
        shape[axis] += c->in[k]->shape[axis];
    }
    TRY(make(c->out, (dtype)first->dtype, first->rank, shape));
    int64_t at = 0;
    for (int k = 0; k < c->n; k++) {
        value part = part_of(c->out, axis, at, c->in[k]->shape[axis]);
        copy_into(&part, c->in[k]);
        at += c->in[k]->shape[axis];
    }
    return OK;
}

/* An array with memory for more places along an axis than it has. */
static status make_roomy(value *out, const value *like, int axis, int64_t size, int64_t room) {
    int64_t shape[RANKS];
    memcpy(shape, like->shape, sizeof shape);
    shape[axis] = room;
    TRY(make(out, (dtype)like->dtype, like->rank, shape));
    out->held->room = room;
    out->held->axis = axis;
    atomic_store(&out->held->grown, size);
    out->shape[axis] = size;
    return OK;
}

/* concat of a state and what is new: behind it, where there is room and nobody wrote there, so that what was read is not copied again and
 * again; an array of before keeps its own places.  Else into memory with room for more. */
static status op_grow(const call *c) {
    int axis;
    NEED(c->n == 2);
    const value *old = c->in[0], *fresh = c->in[1];
    TRY(axis_told(c, 0, old->rank, &axis));
    NEED(fresh->rank == old->rank && fresh->dtype == old->dtype);
    for (int i = 0; i < old->rank; i++) NEED(i == axis || fresh->shape[i] == old->shape[i]);
    int64_t before = old->shape[axis], after = before + fresh->shape[axis];
    bool fits = old->held && old->held->room >= after && old->held->axis == axis && old->data == numbers_of(old->held);
    if (fits) {  /* it is laid out as it was made: by `make_roomy` along this axis */
        int64_t step = 1;
        for (int i = old->rank - 1; fits && i >= 0; i--) {
            fits = old->stride[i] == step;
            step *= i == axis ? old->held->room : old->shape[i];
        }
    }
    int64_t grown = before;
    if (fits && atomic_compare_exchange_strong(&old->held->grown, &grown, after)) {
        *c->out = view(old);
        c->out->shape[axis] = after;
    } else {
        TRY(make_roomy(c->out, old, axis, after, after < 12 ? 16 : after + after / 2 + 4));
        value part = part_of(c->out, axis, 0, before);
        copy_into(&part, old);
    }
    value part = part_of(c->out, axis, before, after - before);
    copy_into(&part, fresh);
    return OK;
}

static status op_flip(const call *c) {
    int n;
    const int64_t *axes;
    TRY(sizes_told(c, 0, &n, &axes));
    value x = *c->in[0];
    for (int i = 0; i < n; i++) {
        NEED(axes[i] >= 0 && axes[i] < x.rank);
        if (x.shape[axes[i]]) x.data += (x.shape[axes[i]] - 1) * x.stride[axes[i]] * BYTES[x.dtype];
        x.stride[axes[i]] = -x.stride[axes[i]];
    }
    TRY(make(c->out, (dtype)x.dtype, x.rank, x.shape));
    copy_into(c->out, &x);
    return OK;
}
