/* Steps of GRU and LSTM cells behind their products: see `networks/kernels/cells_loops.py`. */
#pragma once

#include "kernels.h"

/* As `tanh_quick`, and 1 itself where that ends, so that a gate is wide open or shut: at 9.8 what is fitted lies above 1 by some bits. */
static inline vec tanh_to_one(vec x) { return held(tanh_fitted(held(x, 9.8f)), 1.0f); }
static inline vec gate(vec x) { return all(0.5f) + all(0.5f) * tanh_to_one(all(0.5f) * x); }

/* gates "3D": W x + b; inner "3D": U h + c; old, new "D": the state before and behind the step. */
static void gru_row(const float *gates, const float *inner, const float *old, float *new, int64_t D) {
    OVER(D, {
        vec r = gate(vec_at(gates + d, left) + vec_at(inner + d, left));
        vec z = gate(vec_at(gates + D + d, left) + vec_at(inner + D + d, left));
        vec n = tanh_to_one(vec_at(gates + 2 * D + d, left) + r * vec_at(inner + 2 * D + d, left));
        vec_to(new + d, (all(1.0f) - z) * n + z * vec_at(old + d, left), left);
    });
}

/* gates "4D": W x + b; inner "4D": U h + c; old, new "D": what the memory cells hold; h "D": the state behind the step. */
static void lstm_row(const float *gates, const float *inner, const float *old, float *h, float *new, int64_t D) {
    OVER(D, {
        vec i = gate(vec_at(gates + d, left) + vec_at(inner + d, left));
        vec f = gate(vec_at(gates + D + d, left) + vec_at(inner + D + d, left));
        vec g = tanh_to_one(vec_at(gates + 2 * D + d, left) + vec_at(inner + 2 * D + d, left));
        vec o = gate(vec_at(gates + 3 * D + d, left) + vec_at(inner + 3 * D + d, left));
        vec c = f * vec_at(old + d, left) + i * g;
        vec_to(new + d, c, left);
        vec_to(h + d, o * tanh_to_one(c), left);
    });
}

/* gates, inner "B 3D", h "B D"; the next state "B D".  Units: rows. */
KERNEL_IN_PIECES(gru_cells) {
    GIVEN;
    int64_t D = SIZE(2, 1);
    for (int64_t b = first; b < last; b++) gru_row(FLOATS(0) + b * 3 * D, FLOATS(1) + b * 3 * D, FLOATS(2) + b * D, FLOATS(3) + b * D, D);
}

/* gates, inner "B 4D", c "B D"; the next state and cells "B D".  Units: rows. */
KERNEL_IN_PIECES(lstm_cells) {
    GIVEN;
    int64_t D = SIZE(2, 1);
    for (int64_t b = first; b < last; b++)
        lstm_row(FLOATS(0) + b * 4 * D, FLOATS(1) + b * 4 * D, FLOATS(2) + b * D, FLOATS(3) + b * D, FLOATS(4) + b * D, D);
}
