/* A step of a recurrent decoder, cells and look, for many rows: see `inference/recurrent_steps.py`. */
#pragma once

#include "cells.h"
#include "looks.h"
#include "matrices.h"

enum { QUERY, WORD, BESIDE, JOIN, CELLS };  /* lines of the plan; then of each cell the input's and the state's */
enum { LINES, V, INPUT, HIDDEN, KEPT, FED, KEYS, VALUES, VALID, HIDDEN_NEW, KEPT_NEW, OUT };

typedef struct { float *gates, *inner, *query, *both, *read, *share; } room;

/* What rows read of their sentences, to `read`, R x E. */
static status look_of_rows(const array *a, float scale, const float *asks, int64_t first, int64_t R, room r) {
    const line *lines = (const line *)a[LINES].at;
    int64_t K = SIZE(KEYS, 1), D = SIZE(KEYS, 2), E = SIZE(VALUES, 2);
    if (lines[QUERY].p) {
        TRY(multiply(r.query, asks, R, lines[QUERY].p, lines[QUERY].bias));
        asks = r.query;
    }
    for (int64_t i = 0; i < R; i++) {
        int64_t row = first + i;
        const float *keys = FLOATS(KEYS) + row * K * D, *values = FLOATS(VALUES) + row * K * E;
        const bool *seen = (const bool *)a[VALID].at + row * K;
        if (SIZE(V, 0)) look_by_tanh(asks + i * D, FLOATS(V), keys, seen, values, r.share, r.read + i * E, K, D, E);
        else look(asks + i * D, keys, seen, values, scale, r.share, r.read + i * E, K, D, E);
    }
    return OK;
}

/* All cells move on; beside: what is read along with the word by the lowest one. */
static status move_cells(const array *a, const float *beside, int64_t first, int64_t R, room r) {
    const line *lines = (const line *)a[LINES].at;
    int64_t L = SIZE(HIDDEN, 0), B = SIZE(HIDDEN, 1), S = SIZE(HIDDEN, 2), X = SIZE(INPUT, 1), G = lines[WORD].p->N;
    bool memory = SIZE(KEPT, 0) > 0;
    for (int64_t n = 0; n < L; n++) {
        if (n) TRY(multiply(r.gates, FLOATS(HIDDEN_NEW) + ((n - 1) * B + first) * S, R, lines[CELLS + 2 * n].p, lines[CELLS + 2 * n].bias));
        else TRY(multiply(r.gates, FLOATS(INPUT) + first * X, R, lines[WORD].p, lines[WORD].bias));
        if (!n && lines[BESIDE].p) {
            TRY(multiply(r.inner, beside, R, lines[BESIDE].p, lines[BESIDE].bias));
            for (int64_t i = 0; i < R * G; i++) r.gates[i] += r.inner[i];
        }
        const line *own = lines + CELLS + 2 * n + 1;
        TRY(multiply(r.inner, FLOATS(HIDDEN) + (n * B + first) * S, R, own->p, own->bias));
        for (int64_t i = 0; i < R; i++) {
            int64_t at = (n * B + first + i) * S;
            if (memory) lstm_row(r.gates + i * G, r.inner + i * G, FLOATS(KEPT) + at, FLOATS(HIDDEN_NEW) + at, FLOATS(KEPT_NEW) + at, S);
            else gru_row(r.gates + i * G, r.inner + i * G, FLOATS(HIDDEN) + at, FLOATS(HIDDEN_NEW) + at, S);
        }
    }
    return OK;
}

static void put(float *to, int64_t wide, const float *x, int64_t R, int64_t N) {
    for (int64_t i = 0; i < R; i++) memcpy(to + i * wide, x + i * N, sizeof(float) * (size_t)N);
}

static status some_rows(const array *a, const double *n, int64_t first, int64_t R, room r) {
    const line *lines = (const line *)a[LINES].at;
    int64_t L = SIZE(HIDDEN, 0), B = SIZE(HIDDEN, 1), S = SIZE(HIDDEN, 2), E = SIZE(VALUES, 2), D = SIZE(OUT, 1), X = SIZE(INPUT, 1);
    const float *fed = FLOATS(FED) + first * SIZE(FED, 1), *top = FLOATS(HIDDEN_NEW) + ((L - 1) * B + first) * S;
    float scale = (float)n[0], *out = FLOATS(OUT) + first * D;
    if (n[1]) {  /* the look comes before the cells: c, then s; handed over: s, c and the word */
        TRY(look_of_rows(a, scale, fed, first, R, r));
        TRY(move_cells(a, r.read, first, R, r));
        put(out, D, top, R, S);
        put(out + S, D, r.read, R, E);
        put(out + S + E, D, FLOATS(INPUT) + first * X, R, X);
        return OK;
    }
    TRY(move_cells(a, fed, first, R, r));
    TRY(look_of_rows(a, scale, top, first, R, r));
    put(r.both, E + S, r.read, R, E);
    put(r.both + E, E + S, top, R, S);
    TRY(multiply(out, r.both, R, lines[JOIN].p, lines[JOIN].bias));
    for (int64_t i = 0; i < R; i++) OVER(D, { vec_to(out + i * D + d, tanh_quick(vec_at(out + i * D + d, left)), left); });
    return OK;
}

/* Arrays: see the list above; lines as in `matrices.h`, v "S" or empty, input "B X", hidden and kept "L B S" (kept: of an LSTM), fed "B F":
 * what is fed to the lowest cell, or asks, before it moves; keys "B K S", values "B K E", valid "B K"; out "B D".
 * n: the scale of scores, whether the look comes first, and how many units the rows are parted into. */
KERNEL_IN_PIECES(recurrent_step) {
    GIVEN;
    const line *lines = (const line *)a[LINES].at;
    int64_t B = SIZE(INPUT, 0), K = SIZE(KEYS, 1), S = SIZE(HIDDEN, 2), E = SIZE(VALUES, 2), G = lines[WORD].p->N, units = (int64_t)n[2];
    block *held = take_block(sizeof(float) * (SOME * (2 * G + SIZE(KEYS, 2) + S + 2 * E) + K) + 64);
    if (!held) { FAIL(about); return; }
    room r = {.gates = (float *)numbers_of(held)};
    r.inner = r.gates + SOME * G;
    r.query = r.inner + SOME * G;
    r.both = r.query + SOME * SIZE(KEYS, 2);
    r.read = r.both + SOME * (S + E);
    r.share = r.read + SOME * E;
    int64_t end = B * last / units;
    for (int64_t row = B * first / units; row < end; row += SOME)
        if (some_rows(a, n, row, end - row < SOME ? end - row : SOME, r) != OK) FAIL(about);
    let_go(held);
}
