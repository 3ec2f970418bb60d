/* Products with matrices that were laid out before: see `core/matrices_loops.py`. */
#pragma once

#include "kernels.h"

packed *OUTSIDE(pack_floats)(char *w, int64_t N, int64_t K, int64_t row, int64_t column) {  /* "N K", and how far apart rows and columns lie */
    value columns = {.data = w, .dtype = FLOAT32, .rank = 2, .shape = {K, N}, .stride = {column, row}};
    return pack_floats(&columns);
}

packed *OUTSIDE(pack_bytes)(char *w, char *scale, int64_t N, int64_t K) {
    value rows = {.data = w, .dtype = INT8, .rank = 2, .shape = {N, K}, .stride = {K, 1}};
    value scales = {.data = scale, .dtype = FLOAT32, .rank = 1, .shape = {N}, .stride = {1}};
    return pack_bytes(&rows, &scales);
}

void OUTSIDE(unpack)(packed *p) { unpack(p); }

/* x "R K", a packed matrix, its bias or nothing; out "R N". */
KERNEL(linear) {
    (void)n, (void)units, (void)cost;
    return multiply(FLOATS(3), FLOATS(0), SIZE(0, 0), (const packed *)a[1].at, FLOATS(2)) != OK;
}

/* A product of a decoder's step: a packed matrix (none: NULL), and a bias or nothing.  Steps are told all of theirs in one array. */
typedef struct { const packed *p; const float *bias; } line;

enum { SOME = 168 };  /* rows that a step takes at once: matrices are read anew for each so many (160 rows in float32: 10.7 ms with 48, 9.6 so) */
