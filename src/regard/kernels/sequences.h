/* LSTM and GRU over all steps of a sequence, forward and backward, in one call: see `networks/kernels/sequences_loops.py`.
 *
 * Rows go through all steps by themselves, so threads that have other rows never wait for each other.  Gates are kept for the way back.
 */
#pragma once

#include "matrices.h"

enum { SAID, U, U_BIAS, H, C, Y, CELLS_KEPT, GATES };  /* forward */
enum { B_GATES, B_CELLS, B_Y, B_H, B_C, B_U, B_DY, B_DC, B_SAID, B_INNER, B_DH0, B_DC0 };  /* backward */

static inline vec sigmoid_at(const float *a, const float *b, int64_t left) { return sigmoid_quick(vec_at(a, left) + vec_at(b, left)); }

static void lstm_forward_row(const float *said, const float *inner, float *gates, float *h, float *c, float *y, float *cell, int64_t D) {
    OVER(D, {
        vec i = sigmoid_at(said + d, inner + d, left), f = sigmoid_at(said + D + d, inner + D + d, left);
        vec g = tanh_quick(vec_at(said + 2 * D + d, left) + vec_at(inner + 2 * D + d, left)), o = sigmoid_at(said + 3 * D + d, inner + 3 * D + d, left);
        vec new = f * vec_at(c + d, left) + i * g, told = o * tanh_quick(new);
        vec_to(gates + d, i, left), vec_to(gates + D + d, f, left), vec_to(gates + 2 * D + d, g, left), vec_to(gates + 3 * D + d, o, left);
        vec_to(c + d, new, left), vec_to(cell + d, new, left), vec_to(h + d, told, left), vec_to(y + d, told, left);
    });
}

/* Of the new state, with n = tanh(W x + b + r (U h + b')): kept are r, z, n and U h + b'. */
static void gru_forward_row(const float *said, const float *inner, float *gates, float *h, float *y, int64_t D) {
    OVER(D, {
        vec r = sigmoid_at(said + d, inner + d, left), z = sigmoid_at(said + D + d, inner + D + d, left), u = vec_at(inner + 2 * D + d, left);
        vec n = tanh_quick(vec_at(said + 2 * D + d, left) + r * u), told = (all(1.0f) - z) * n + z * vec_at(h + d, left);
        vec_to(gates + d, r, left), vec_to(gates + D + d, z, left), vec_to(gates + 2 * D + d, n, left), vec_to(gates + 3 * D + d, u, left);
        vec_to(h + d, told, left), vec_to(y + d, told, left);
    });
}

/* said "B T G", a packed U, its bias or nothing, h and c "B D" (c: of an LSTM); y and cells "B T D", gates "B T 4D".
 * n: how many units the rows are parted into. */
static void read_rows(void *about, int64_t first, int64_t last, bool memory) {
    GIVEN;
    const packed *u = (const packed *)a[U].at;
    int64_t B = SIZE(SAID, 0), T = SIZE(SAID, 1), G = SIZE(SAID, 2), D = SIZE(H, 1), units = (int64_t)n[0], end = B * last / units;
    block *held = take_block((int64_t)sizeof(float) * SOME * (2 * D + G) + 64);
    if (!held) { FAIL(about); return; }
    float *h = (float *)numbers_of(held), *c = h + SOME * D, *inner = c + SOME * D;
    for (int64_t from = B * first / units; from < end; from += SOME) {
        int64_t R = end - from < SOME ? end - from : SOME;
        memcpy(h, FLOATS(H) + from * D, sizeof(float) * (size_t)(R * D));
        if (memory) memcpy(c, FLOATS(C) + from * D, sizeof(float) * (size_t)(R * D));
        for (int64_t t = 0; t < T; t++) {
            if (multiply(inner, h, R, u, FLOATS(U_BIAS)) != OK) FAIL(about);
            for (int64_t i = 0; i < R; i++) {
                int64_t at = (from + i) * T + t;
                const float *said = FLOATS(SAID) + at * G;
                float *gates = FLOATS(GATES) + at * 4 * D, *y = FLOATS(Y) + at * D;
                if (memory) lstm_forward_row(said, inner + i * G, gates, h + i * D, c + i * D, y, FLOATS(CELLS_KEPT) + at * D, D);
                else gru_forward_row(said, inner + i * G, gates, h + i * D, y, D);
            }
        }
    }
    let_go(held);
}
KERNEL_IN_PIECES(lstm_forward) { read_rows(about, first, last, true); }
KERNEL_IN_PIECES(gru_forward) { read_rows(about, first, last, false); }

static void lstm_back_row(const float *gates, const float *cell, const float *before, const float *dy, float *dh, float *dc, float *said, float *inner, int64_t D) {
    OVER(D, {
        vec i = vec_at(gates + d, left), f = vec_at(gates + D + d, left), g = vec_at(gates + 2 * D + d, left), o = vec_at(gates + 3 * D + d, left);
        vec told = tanh_quick(vec_at(cell + d, left)), h = vec_at(dh + d, left) + vec_at(dy + d, left);
        vec c = vec_at(dc + d, left) + h * o * (all(1.0f) - told * told);
        vec d_i = c * g * i * (all(1.0f) - i), d_f = c * vec_at(before + d, left) * f * (all(1.0f) - f);
        vec d_g = c * i * (all(1.0f) - g * g), d_o = h * told * o * (all(1.0f) - o);
        vec_to(said + d, d_i, left), vec_to(said + D + d, d_f, left), vec_to(said + 2 * D + d, d_g, left), vec_to(said + 3 * D + d, d_o, left);
        vec_to(inner + d, d_i, left), vec_to(inner + D + d, d_f, left), vec_to(inner + 2 * D + d, d_g, left), vec_to(inner + 3 * D + d, d_o, left);
        vec_to(dc + d, c * f, left);
    });
}

/* said: the gradients of W x + b, inner: those of U h + b'; dh: what goes straight to the state before. */
static void gru_back_row(const float *gates, const float *before, const float *dy, float *dh, float *said, float *inner, float *kept, int64_t D) {
    OVER(D, {
        vec r = vec_at(gates + d, left), z = vec_at(gates + D + d, left), n = vec_at(gates + 2 * D + d, left), u = vec_at(gates + 3 * D + d, left);
        vec h = vec_at(dh + d, left) + vec_at(dy + d, left), d_n = h * (all(1.0f) - z) * (all(1.0f) - n * n);
        vec d_r = d_n * u * r * (all(1.0f) - r), d_z = h * (vec_at(before + d, left) - n) * z * (all(1.0f) - z), d_u = d_n * r;
        vec_to(said + d, d_r, left), vec_to(said + D + d, d_z, left), vec_to(said + 2 * D + d, d_n, left);
        vec_to(inner + d, d_r, left), vec_to(inner + D + d, d_z, left), vec_to(inner + 2 * D + d, d_u, left);
        vec_to(kept + d, d_r, left), vec_to(kept + D + d, d_z, left), vec_to(kept + 2 * D + d, d_u, left);
        vec_to(dh + d, h * z, left);
    });
}

/* gates, cells, y as the forward pass left them, h and c before them, U packed for the way back, the gradients of y and of the last c; those
 * of W x + b "B T G", of U h + b' "B T G" (of a GRU: an LSTM's are the same), of the first h and c. */
static void return_rows(void *about, int64_t first, int64_t last, bool memory) {
    GIVEN;
    const packed *u = (const packed *)a[B_U].at;
    int64_t B = SIZE(B_GATES, 0), T = SIZE(B_GATES, 1), D = SIZE(B_H, 1), G = SIZE(B_SAID, 2), units = (int64_t)n[0], end = B * last / units;
    block *held = take_block((int64_t)sizeof(float) * SOME * (G + D) + 64);
    if (!held) { FAIL(about); return; }
    float *inner = (float *)numbers_of(held), *back = inner + SOME * G;
    for (int64_t from = B * first / units; from < end; from += SOME) {
        int64_t R = end - from < SOME ? end - from : SOME;
        float *dh = FLOATS(B_DH0) + from * D, *dc = memory ? FLOATS(B_DC0) + from * D : NULL;
        memset(dh, 0, sizeof(float) * (size_t)(R * D));
        if (memory) memcpy(dc, FLOATS(B_DC) + from * D, sizeof(float) * (size_t)(R * D));
        for (int64_t t = T - 1; t >= 0; t--) {
            for (int64_t i = 0; i < R; i++) {
                int64_t at = (from + i) * T + t;
                const float *gates = FLOATS(B_GATES) + at * 4 * D, *dy = FLOATS(B_DY) + at * D;
                float *said = FLOATS(B_SAID) + at * G;
                if (memory) {
                    const float *before = t ? FLOATS(B_CELLS) + (at - 1) * D : FLOATS(B_C) + (from + i) * D;
                    lstm_back_row(gates, FLOATS(B_CELLS) + at * D, before, dy, dh + i * D, dc + i * D, said, inner + i * G, D);
                } else {
                    const float *before = t ? FLOATS(B_Y) + (at - 1) * D : FLOATS(B_H) + (from + i) * D;
                    gru_back_row(gates, before, dy, dh + i * D, said, inner + i * G, FLOATS(B_INNER) + at * G, D);
                }
            }
            if (multiply(memory ? dh : back, inner, R, u, NULL) != OK) FAIL(about);
            if (!memory) for (int64_t i = 0; i < R * D; i++) dh[i] += back[i];
        }
    }
    let_go(held);
}
KERNEL_IN_PIECES(lstm_backward) { return_rows(about, first, last, true); }
KERNEL_IN_PIECES(gru_backward) { return_rows(about, first, last, false); }
