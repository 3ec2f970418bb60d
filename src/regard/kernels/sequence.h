/* A GRU over all steps of a sequence, forward and backward, in one call: see `networks/kernels/sequence_loops.py`.
 *
 * Rows go through all steps by themselves, so threads that have other rows never wait for each other.  Gates are kept for the way back.
 */
#pragma once

#include "matrices.h"

enum { SAID, U, U_BIAS, H, Y, GATES };  /* forward */
enum { B_GATES, B_Y, B_H, B_U, B_DY, B_SAID, B_INNER, B_DH };  /* backward */

static inline vec sigmoid_at(const float *a, const float *b, int64_t left) { return sigmoid_quick(vec_at(a, left) + vec_at(b, left)); }

/* Of the new state, with n = tanh(W x + b + r (U h + b')): kept are r, z, n and U h + b'. */
static void gru_forward_row(const float *said, const float *inner, float *gates, float *h, float *y, int64_t D) {
    OVER(D, {
        vec r = sigmoid_at(said + d, inner + d, left), z = sigmoid_at(said + D + d, inner + D + d, left), u = vec_at(inner + 2 * D + d, left);
        vec n = tanh_quick(vec_at(said + 2 * D + d, left) + r * u), told = (all(1.0f) - z) * n + z * vec_at(h + d, left);
        vec_to(gates + d, r, left), vec_to(gates + D + d, z, left), vec_to(gates + 2 * D + d, n, left), vec_to(gates + 3 * D + d, u, left);
        vec_to(h + d, told, left), vec_to(y + d, told, left);
    });
}

/* said "B T 3D", a packed U, its bias or nothing, h "B D"; y "B T D", gates "B T 4D".  n: how many units the rows are parted into. */
KERNEL_IN_PIECES(gru_forward) {
    GIVEN;
    const packed *u = (const packed *)a[U].at;
    int64_t B = SIZE(SAID, 0), T = SIZE(SAID, 1), D = SIZE(H, 1), units = (int64_t)n[0], end = B * last / units;
    block *held = take_block((int64_t)sizeof(float) * SOME * 4 * D + 64);
    if (!held) { FAIL(about); return; }
    float *h = (float *)numbers_of(held), *inner = h + SOME * D;
    for (int64_t from = B * first / units; from < end; from += SOME) {
        int64_t R = end - from < SOME ? end - from : SOME;
        memcpy(h, FLOATS(H) + from * D, sizeof(float) * (size_t)(R * D));
        for (int64_t t = 0; t < T; t++) {
            if (multiply(inner, h, R, u, FLOATS(U_BIAS)) != OK) FAIL(about);
            for (int64_t i = 0; i < R; i++) {
                int64_t at = (from + i) * T + t;
                gru_forward_row(FLOATS(SAID) + at * 3 * D, inner + i * 3 * D, FLOATS(GATES) + at * 4 * D, h + i * D, FLOATS(Y) + at * D, D);
            }
        }
    }
    let_go(held);
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

/* gates and y as the forward pass left them, h before it, U packed for the way back, the gradient of y; those of W x + b and of U h + b',
 * "B T 3D", and of the first h.  n: as there. */
KERNEL_IN_PIECES(gru_backward) {
    GIVEN;
    const packed *u = (const packed *)a[B_U].at;
    int64_t B = SIZE(B_GATES, 0), T = SIZE(B_GATES, 1), D = SIZE(B_H, 1), units = (int64_t)n[0], end = B * last / units;
    block *held = take_block((int64_t)sizeof(float) * SOME * 4 * D + 64);
    if (!held) { FAIL(about); return; }
    float *inner = (float *)numbers_of(held), *back = inner + SOME * 3 * D;
    for (int64_t from = B * first / units; from < end; from += SOME) {
        int64_t R = end - from < SOME ? end - from : SOME;
        float *dh = FLOATS(B_DH) + from * D;
        memset(dh, 0, sizeof(float) * (size_t)(R * D));
        for (int64_t t = T - 1; t >= 0; t--) {
            for (int64_t i = 0; i < R; i++) {
                int64_t at = (from + i) * T + t;
                const float *before = t ? FLOATS(B_Y) + (at - 1) * D : FLOATS(B_H) + (from + i) * D;
                gru_back_row(FLOATS(B_GATES) + at * 4 * D, before, FLOATS(B_DY) + at * D, dh + i * D, FLOATS(B_SAID) + at * 3 * D, inner + i * 3 * D,
                             FLOATS(B_INNER) + at * 3 * D, D);
            }
            if (multiply(back, inner, R, u, NULL) != OK) FAIL(about);
            for (int64_t i = 0; i < R * D; i++) dh[i] += back[i];
        }
    }
    let_go(held);
}
