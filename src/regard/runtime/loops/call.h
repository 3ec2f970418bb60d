/* What an operation is given: arrays, and what it is told (its attributes in the order of their names, tuples with their lengths before). */
#pragma once

#include "values.h"

typedef struct {
    const value *const *in;
    int n, results;
    value *out;
    const int64_t *told;
    int64_t places;    /* how many numbers it is told */
    const void *kept;  /* what was made of its weights beforehand */
    uint32_t dying;    /* a bit for each input that nobody reads afterwards */
} call;

typedef status (*operation)(const call *);

static const int64_t ABSENT = INT64_MIN;  /* None */

static inline double as_number(int64_t bits) { double x; memcpy(&x, &bits, sizeof x); return x; }

/* An output of this shape; in the memory of an input that dies with this call, where one fits. */
static status make_over(const call *c, dtype kind, int rank, const int64_t *shape) {
    for (int i = 0; i < c->n; i++) {
        const value *x = c->in[i];
        if (!(c->dying >> i & 1) || (dtype)x->dtype != kind || x->rank != rank || !x->held || x->held->room) continue;
        if (memcmp(x->shape, shape, sizeof *shape * (size_t)rank) || !without_gaps(x)) continue;
        if (atomic_load(&x->held->holders) != 1) continue;
        *c->out = view(x);
        lay_out(c->out);
        return OK;
    }
    return make(c->out, kind, rank, shape);
}
