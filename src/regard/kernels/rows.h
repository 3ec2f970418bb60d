/* Values and rows of a net in training: dropout, and probabilities less the word that was right.  See `networks/kernels`.
 *
 * Numbers are float32, or bfloat16: the upper 16 bits of a float32.  The loops are plain, and the compiler makes vectors of them.
 */
#pragma once

#include "kernels.h"

static inline float float_of(uint16_t x) {
    uint32_t bits = (uint32_t)x << 16;
    float number;
    memcpy(&number, &bits, sizeof number);
    return number;
}

static inline uint16_t bfloat16_of(float x) {  /* the nearest; of two as near, the even one */
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

/* x times n[1] where the byte drawn for it is not below n[0], else 0: x, drawn and what is made, "N"; n[2]: whether they are bfloat16.
 * Units: n[3] values each. */
KERNEL_IN_PIECES(dropout) {
    GIVEN;
    int64_t grain = (int64_t)n[3], begin = first * grain, many = (last * grain < SIZE(0, 0) ? last * grain : SIZE(0, 0)) - begin;
    const uint8_t *drawn = (const uint8_t *)a[1].at + begin, below = (uint8_t)n[0];
    float scale = (float)n[1];
    if (n[2] != 0) {
        const uint16_t *x = (const uint16_t *)a[0].at + begin;
        uint16_t *restrict made = (uint16_t *)a[2].at + begin;
        for (int64_t i = 0; i < many; i++) {
            uint16_t y = bfloat16_of(float_of(x[i]) * scale);
            made[i] = drawn[i] >= below ? y : 0;
        }
    } else {
        const float *x = FLOATS(0) + begin;
        float *restrict made = FLOATS(2) + begin;
        for (int64_t i = 0; i < many; i++) made[i] = drawn[i] >= below ? x[i] * scale : 0.0f;
    }
}
