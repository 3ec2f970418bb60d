/* Numbers by their places, and in order. */
#pragma once

#include "shapes.h"
#include "vector.h"

static status places_of(value *out, const value *x) {  /* whole numbers, without gaps, in int64 */
    NEED(x->dtype == INT64 || x->dtype == INT32);
    if (x->dtype == INT64) return whole(out, x);
    value flat;
    TRY(whole(&flat, x));
    status told = make(out, INT64, x->rank, x->shape);
    if (told == OK) for (int64_t i = 0, n = count(x); i < n; i++) ((int64_t *)out->data)[i] = ((const int32_t *)flat.data)[i];
    let_go(flat.held);
    return told;
}

static inline bool inside(int64_t *place, int64_t size) {  /* from the end where it is below 0 */
    if (*place < 0) *place += size;
    return *place >= 0 && *place < size;
}

static status op_take(const call *c) {
    int axis;
    NEED(c->n == 2);
    const value *x = c->in[0];
    TRY(axis_told(c, 0, x->rank, &axis));
    NEED(x->rank - 1 + c->in[1]->rank <= RANKS);
    value places, from;
    TRY(places_of(&places, c->in[1]));
    int64_t shape[RANKS], outer = 1, inner = BYTES[x->dtype], size = x->shape[axis], n = count(&places);
    int rank = 0;
    for (int i = 0; i < axis; i++) { shape[rank++] = x->shape[i]; outer *= x->shape[i]; }
    for (int i = 0; i < places.rank; i++) shape[rank++] = places.shape[i];
    for (int i = axis + 1; i < x->rank; i++) { shape[rank++] = x->shape[i]; inner *= x->shape[i]; }
    status told = whole(&from, x);
    if (told == OK) {
        told = make(c->out, (dtype)x->dtype, rank, shape);
        char *to = told == OK ? c->out->data : NULL;
        for (int64_t o = 0; told == OK && o < outer; o++)
            for (int64_t i = 0; i < n; i++, to += inner) {
                int64_t place = ((const int64_t *)places.data)[i];
                if (!inside(&place, size)) { told = CANNOT; let_go(c->out->held); break; }
                memcpy(to, from.data + (o * size + place) * inner, (size_t)inner);
            }
        let_go(from.held);
    }
    let_go(places.held);
    return told;
}

/* `gather` and `scatter_add`: of places that have x's shape but along the axis. */
static status along(const call *c, bool adds) {
    int axis;
    const value *x = c->in[0], *at = c->in[1];
    TRY(axis_told(c, 0, x->rank, &axis));
    NEED(at->rank == x->rank);
    int64_t shape[RANKS], size = x->shape[axis], width = BYTES[x->dtype];
    for (int i = 0; i < x->rank; i++) {
        shape[i] = i == axis || at->shape[i] == x->shape[i] ? at->shape[i] : adds ? at->shape[i] : at->shape[i] == 1 ? x->shape[i] : -1;
        NEED(shape[i] >= 0 && (i == axis || !adds || shape[i] <= x->shape[i]));
        NEED(adds || i == axis || at->shape[i] == x->shape[i] || x->shape[i] == 1 || at->shape[i] == 1);
        if (!adds && i != axis && x->shape[i] == 1) shape[i] = at->shape[i];
    }
    value stretched, places, from;
    TRY(stretch(&stretched, at, x->rank, shape));
    TRY(places_of(&places, &stretched));
    status told = OK;
    if (adds) {
        told = c->in[2]->dtype == FLOAT32 && x->dtype == FLOAT32 && c->in[2]->rank == x->rank ? OK : CANNOT;
        for (int i = 0; told == OK && i < x->rank; i++) if (c->in[2]->shape[i] != shape[i]) told = CANNOT;
        if (told == OK) told = make(c->out, (dtype)x->dtype, x->rank, x->shape);
        if (told == OK) copy_into(c->out, x);
        if (told == OK && whole(&from, c->in[2]) != OK) { told = CANNOT; let_go(c->out->held); }
    } else told = make(c->out, (dtype)x->dtype, x->rank, shape);
    if (told != OK) { let_go(places.held); return told; }
    int64_t index[RANKS] = {0}, n = count(&places);
    const value *read = adds ? c->out : x;
    for (int64_t i = 0; i < n; i++) {
        int64_t place = ((const int64_t *)places.data)[i], offset = 0;
        if (!inside(&place, size)) { told = CANNOT; break; }
        for (int a = 0; a < x->rank; a++) offset += (a == axis ? place : read->shape[a] == 1 ? 0 : index[a]) * read->stride[a];
        if (adds) ((float *)c->out->data)[offset] += ((const float *)from.data)[i];
        else memcpy(c->out->data + i * width, x->data + offset * width, (size_t)width);
        for (int a = x->rank - 1; a >= 0; a--) { if (++index[a] < shape[a]) break; index[a] = 0; }
    }
    let_go(places.held);
    if (adds) let_go(from.held);
    if (told != OK) let_go(c->out->held);
    return told;
}

static status op_gather(const call *c) { NEED(c->n == 2); return along(c, false); }
static status op_scatter_add(const call *c) { NEED(c->n == 3); return along(c, true); }

static status op_pick(const call *c) {  /* x[places, places ...]: on the first axes */
    const value *x = c->in[0];
    int axes = c->n - 1, rank;
    int64_t shape[RANKS], inner = BYTES[x->dtype];
    NEED(axes >= 1 && axes <= x->rank);
    TRY(broadcast(axes, c->in + 1, &rank, shape));
    NEED(rank + x->rank - axes <= RANKS);
    int whole_rank = rank;
    for (int i = axes; i < x->rank; i++) { shape[whole_rank++] = x->shape[i]; inner *= x->shape[i]; }
    value from, places[RANKS];
    TRY(whole(&from, x));
    int made = 0;
    status told = OK;
    for (; told == OK && made < axes; made++) {
        value stretched;
        told = stretch(&stretched, c->in[made + 1], rank, shape);
        if (told == OK) told = places_of(places + made, &stretched);
        if (told != OK) break;
    }
    if (told == OK) told = make(c->out, (dtype)x->dtype, whole_rank, shape);
    int64_t n = 1;
    for (int i = 0; i < rank; i++) n *= shape[i];
    for (int64_t i = 0; told == OK && i < n; i++) {
        int64_t offset = 0;
        for (int a = 0; a < axes; a++) {
            int64_t place = ((const int64_t *)places[a].data)[i];
            if (!inside(&place, x->shape[a])) { told = CANNOT; let_go(c->out->held); break; }
            offset = offset * x->shape[a] + place;
        }
        if (told == OK) memcpy(c->out->data + i * inner, from.data + offset * inner, (size_t)inner);
    }
    for (int a = 0; a < made; a++) let_go(places[a].held);
    let_go(from.held);
    return told;
}

typedef struct { double number; int64_t place; } placed;
static inline bool before(placed a, placed b) {  /* NaN last, as numpy sorts; of equal ones the first */
    return a.number < b.number || (a.number == a.number && b.number != b.number);
}

static void sort_row(placed *row, placed *beside, int64_t n) {  /* merges, which keeps what is equal in order */
    for (int64_t width = 1; width < n; width *= 2) {
        for (int64_t at = 0; at < n; at += 2 * width) {
            int64_t i = at, middle = at + width < n ? at + width : n, j = middle, end = at + 2 * width < n ? at + 2 * width : n;
            for (int64_t k = at; k < end; k++) beside[k] = i < middle && (j >= end || !before(row[j], row[i])) ? row[i++] : row[j++];
        }
        memcpy(row, beside, sizeof *row * (size_t)n);
    }
}

static status op_sort(const call *c) {  /* axis, descending */
    const value *x = c->in[0];
    int axis;
    TRY(axis_told(c, 0, x->rank, &axis));
    NEED(c->places == 2 && c->results == 2 && (x->dtype == FLOAT32 || x->dtype == INT64));
    value from = *x, values, places;
    TRY(make(&values, (dtype)x->dtype, x->rank, x->shape));
    if (make(&places, INT64, x->rank, x->shape) != OK) { let_go(values.held); return CANNOT; }
    int64_t n = x->shape[axis], rows = n ? count(x) / n : 0;
    block *room = take_block(2 * (n ? n : 1) * (int64_t)sizeof(placed));
    if (!room) { let_go(values.held); let_go(places.held); return CANNOT; }
    placed *row = (placed *)numbers_of(room);
    int64_t index[RANKS] = {0};
    for (int64_t r = 0; r < rows; r++) {
        int64_t in = 0, out = 0;
        for (int a = 0; a < x->rank; a++) { in += index[a] * from.stride[a]; out += index[a] * values.stride[a]; }
        for (int64_t i = 0; i < n; i++) {
            int64_t at = in + i * from.stride[axis];
            double number = x->dtype == FLOAT32 ? ((const float *)x->data)[at] : (double)((const int64_t *)x->data)[at];
            row[i] = (placed){c->told[1] ? -number : number, i};
        }
        sort_row(row, row + n, n);
        for (int64_t i = 0; i < n; i++) {
            int64_t to = out + i * values.stride[axis], at = in + row[i].place * from.stride[axis];
            ((int64_t *)places.data)[to] = row[i].place;
            if (x->dtype == FLOAT32) ((float *)values.data)[to] = ((const float *)x->data)[at];
            else ((int64_t *)values.data)[to] = ((const int64_t *)x->data)[at];
        }
        for (int a = x->rank - 1; a >= 0; a--) { if (a == axis) continue; if (++index[a] < x->shape[a]) break; index[a] = 0; }
    }
    let_go(room);
    c->out[0] = values;
    c->out[1] = places;
    return OK;
}

/* The k largest of a row, the largest first, of equal ones the first; NaN is above all.  Of -inf, its first place again and again.
 * Four vectors at a time are compared with the least of the k: almost none has anything above it. */
static void top_of_row(const float *x, int64_t n, int64_t k, float *value, int64_t *place) {
    for (int64_t i = 0; i < k; i++) { value[i] = -INFINITY; place[i] = 0; }
    for (int64_t from = 0; from < n; from += 4 * LANES) {
        int64_t end = from + 4 * LANES < n ? from + 4 * LANES : n;
        if (end - from == 4 * LANES) {
            const float *v = x + from;
            vec least = all(value[k - 1]);
            ints none = (load(v) <= least) & (load(v + LANES) <= least) & (load(v + 2 * LANES) <= least) & (load(v + 3 * LANES) <= least);
            if (!any_lane(~none)) continue;
        }
        for (int64_t j = from; j < end; j++) {
            if (x[j] <= value[k - 1] || value[k - 1] != value[k - 1]) continue;
            int64_t i = k - 1;
            for (; i > 0 && !(x[j] <= value[i - 1]) && value[i - 1] == value[i - 1]; i--) { value[i] = value[i - 1]; place[i] = place[i - 1]; }
            value[i] = x[j];
            place[i] = j;
        }
    }
}
