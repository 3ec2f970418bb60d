/* Arithmetic, comparisons and functions, number by number. */
#pragma once

#include "call.h"
#include "vector.h"

/* --- of one array --- */

typedef vec (*vec_function)(vec);
static inline vec neg_v(vec x) { return -x; }
static inline vec abs_v(vec x) { return (vec)((ints)x & 0x7fffffff); }
static inline vec sin_v(vec x) { return wave_of(x, 0); }
static inline vec cos_v(vec x) { return wave_of(x, 1); }
static inline vec relu_v(vec x) { return choose((x > all(0.0f)) | (x != x), x, all(0.0f)); }
static inline vec reciprocal_v(vec x) { return all(1.0f) / x; }

#define VECTOR_LOOP(name, f) static void name(float *to, const float *from, int64_t n) { \
    int64_t i = 0; \
    for (; i + LANES <= n; i += LANES) store(to + i, f(load(from + i))); \
    if (i < n) store_some(to + i, f(load_some(from + i, n - i, 1.0f)), n - i); \
}
#define SCALAR_LOOP(name, type, made, expression) static void name(made *to, const type *from, int64_t n) { \
    for (int64_t i = 0; i < n; i++) { type x = from[i]; to[i] = (made)(expression); } \
}
VECTOR_LOOP(exp_f, exp_of)
VECTOR_LOOP(log_f, log_of)
VECTOR_LOOP(tanh_f, tanh_of)
VECTOR_LOOP(sigmoid_f, sigmoid_of)
VECTOR_LOOP(sin_f, sin_v)
VECTOR_LOOP(cos_f, cos_v)
VECTOR_LOOP(neg_f, neg_v)
VECTOR_LOOP(abs_f, abs_v)
VECTOR_LOOP(relu_f, relu_v)
VECTOR_LOOP(reciprocal_f, reciprocal_v)
SCALAR_LOOP(log1p_f, float, float, log1pf(x))
SCALAR_LOOP(expm1_f, float, float, expm1f(x))
SCALAR_LOOP(sqrt_f, float, float, sqrtf(x))
SCALAR_LOOP(rsqrt_f, float, float, 1.0f / sqrtf(x))
SCALAR_LOOP(floor_f, float, float, floorf(x))
SCALAR_LOOP(ceil_f, float, float, ceilf(x))
SCALAR_LOOP(trunc_f, float, float, truncf(x))
SCALAR_LOOP(round_f, float, float, rintf(x))
SCALAR_LOOP(atan_f, float, float, atanf(x))
SCALAR_LOOP(erf_f, float, float, erf((double)x))
SCALAR_LOOP(sign_f, float, float, x != x ? x : (float)((x > 0) - (x < 0)))
SCALAR_LOOP(exp_d, double, double, exp(x))
SCALAR_LOOP(log_d, double, double, log(x))
SCALAR_LOOP(tanh_d, double, double, tanh(x))
SCALAR_LOOP(sigmoid_d, double, double, tanh(x * 0.5) * 0.5 + 0.5)
SCALAR_LOOP(sin_d, double, double, sin(x))
SCALAR_LOOP(cos_d, double, double, cos(x))
SCALAR_LOOP(neg_d, double, double, -x)
SCALAR_LOOP(abs_d, double, double, fabs(x))
SCALAR_LOOP(relu_d, double, double, x > 0 || x != x ? x : 0)
SCALAR_LOOP(reciprocal_d, double, double, 1.0 / x)
SCALAR_LOOP(log1p_d, double, double, log1p(x))
SCALAR_LOOP(expm1_d, double, double, expm1(x))
SCALAR_LOOP(sqrt_d, double, double, sqrt(x))
SCALAR_LOOP(rsqrt_d, double, double, 1.0 / sqrt(x))
SCALAR_LOOP(floor_d, double, double, floor(x))
SCALAR_LOOP(ceil_d, double, double, ceil(x))
SCALAR_LOOP(trunc_d, double, double, trunc(x))
SCALAR_LOOP(round_d, double, double, rint(x))
SCALAR_LOOP(atan_d, double, double, atan(x))
SCALAR_LOOP(erf_d, double, double, erf(x))
SCALAR_LOOP(sign_d, double, double, x != x ? x : (double)((x > 0) - (x < 0)))
SCALAR_LOOP(neg_l, int64_t, int64_t, (int64_t)(0 - (uint64_t)x))
SCALAR_LOOP(abs_l, int64_t, int64_t, x < 0 ? (int64_t)(0 - (uint64_t)x) : x)
SCALAR_LOOP(relu_l, int64_t, int64_t, x > 0 ? x : 0)
SCALAR_LOOP(sign_l, int64_t, int64_t, (x > 0) - (x < 0))
SCALAR_LOOP(isnan_f, float, uint8_t, x != x)
SCALAR_LOOP(isinf_f, float, uint8_t, isinf(x) != 0)
SCALAR_LOOP(isfinite_f, float, uint8_t, isfinite(x) != 0)
SCALAR_LOOP(not_b, uint8_t, uint8_t, !x)
SCALAR_LOOP(not_l, int64_t, uint8_t, !x)

typedef void (*loop)(void *, const void *, int64_t);

static status apply(const call *c, loop f, dtype made) {
    NEED(f && c->n == 1);
    value x = *c->in[0];
    bool copied = !without_gaps(&x);
    if (copied) TRY(whole(&x, c->in[0]));
    status told = make_over(c, made, x.rank, x.shape);
    if (told == OK) f(c->out->data, x.data, count(&x));
    if (copied) let_go(x.held);
    return told;
}

#define UNARY(name, f32, f64, i64) static status op_##name(const call *c) { \
    switch (c->in[0]->dtype) { \
    case FLOAT32: return apply(c, (loop)(f32), FLOAT32); \
    case FLOAT64: return apply(c, (loop)(f64), FLOAT64); \
    case INT64: return apply(c, (loop)(i64), INT64); \
    default: return CANNOT; \
    } \
}
#define FUNCTION(name) UNARY(name, name##_f, name##_d, NULL)
FUNCTION(exp) FUNCTION(log) FUNCTION(tanh) FUNCTION(sigmoid) FUNCTION(sin) FUNCTION(cos) FUNCTION(reciprocal) FUNCTION(log1p)
FUNCTION(expm1) FUNCTION(sqrt) FUNCTION(rsqrt) FUNCTION(atan) FUNCTION(erf) FUNCTION(floor) FUNCTION(ceil) FUNCTION(trunc)
FUNCTION(round)
UNARY(neg, neg_f, neg_d, neg_l)
UNARY(abs, abs_f, abs_d, abs_l)
UNARY(relu, relu_f, relu_d, relu_l)
UNARY(sign, sign_f, sign_d, sign_l)

static status op_isnan(const call *c) { return c->in[0]->dtype == FLOAT32 ? apply(c, (loop)isnan_f, BOOL) : CANNOT; }
static status op_isinf(const call *c) { return c->in[0]->dtype == FLOAT32 ? apply(c, (loop)isinf_f, BOOL) : CANNOT; }
static status op_isfinite(const call *c) { return c->in[0]->dtype == FLOAT32 ? apply(c, (loop)isfinite_f, BOOL) : CANNOT; }
static status op_not(const call *c) {
    return c->in[0]->dtype == BOOL ? apply(c, (loop)not_b, BOOL) : c->in[0]->dtype == INT64 ? apply(c, (loop)not_l, BOOL) : CANNOT;
}

/* --- of two --- */

typedef void (*pair_loop)(void *, const void *, int64_t, const void *, int64_t, int64_t);

#define PAIR_LOOP(name, type, made, expression) \
    static void name(made *restrict to, const type *a, int64_t sa, const type *b, int64_t sb, int64_t n) { \
        if (sa == 1 && sb == 1) for (int64_t i = 0; i < n; i++) { type x = a[i], y = b[i]; to[i] = (made)(expression); } \
        else if (sa == 1 && sb == 0) { type y = *b; for (int64_t i = 0; i < n; i++) { type x = a[i]; to[i] = (made)(expression); } } \
        else if (sa == 0 && sb == 1) { type x = *a; for (int64_t i = 0; i < n; i++) { type y = b[i]; to[i] = (made)(expression); } } \
        else for (int64_t i = 0; i < n; i++) { type x = a[i * sa], y = b[i * sb]; to[i] = (made)(expression); } \
    }
#define PAIR_LOOPS(name, made, expression) \
    PAIR_LOOP(name##_f, float, made(float), expression) PAIR_LOOP(name##_d, double, made(double), expression) \
    PAIR_LOOP(name##_l, int64_t, made(int64_t), expression) PAIR_LOOP(name##_b, uint8_t, made(uint8_t), expression)
#define SAME(type) type
#define TRUTH(type) uint8_t
PAIR_LOOPS(maximum, SAME, x > y || x != x ? x : y)
PAIR_LOOPS(minimum, SAME, x < y || x != x ? x : y)
PAIR_LOOPS(eq, TRUTH, x == y)
PAIR_LOOPS(ne, TRUTH, x != y)
PAIR_LOOPS(lt, TRUTH, x < y)
PAIR_LOOPS(le, TRUTH, x <= y)
PAIR_LOOPS(gt, TRUTH, x > y)
PAIR_LOOPS(ge, TRUTH, x >= y)
PAIR_LOOP(add_f, float, float, x + y) PAIR_LOOP(add_d, double, double, x + y)
PAIR_LOOP(add_l, int64_t, int64_t, (uint64_t)x + (uint64_t)y) PAIR_LOOP(add_b, uint8_t, uint8_t, x | y)
PAIR_LOOP(sub_f, float, float, x - y) PAIR_LOOP(sub_d, double, double, x - y) PAIR_LOOP(sub_l, int64_t, int64_t, (uint64_t)x - (uint64_t)y)
PAIR_LOOP(mul_f, float, float, x * y) PAIR_LOOP(mul_d, double, double, x * y)
PAIR_LOOP(mul_l, int64_t, int64_t, (uint64_t)x * (uint64_t)y) PAIR_LOOP(mul_b, uint8_t, uint8_t, x & y)
PAIR_LOOP(div_f, float, float, x / y) PAIR_LOOP(div_d, double, double, x / y)
PAIR_LOOP(pow_f, float, float, powf(x, y)) PAIR_LOOP(pow_d, double, double, pow(x, y))
static inline int64_t floored(int64_t x, int64_t y) { return y == 0 ? 0 : y == -1 ? (int64_t)(0 - (uint64_t)x) : x / y - (x % y != 0 && (x < 0) != (y < 0)); }
PAIR_LOOP(floordiv_l, int64_t, int64_t, floored(x, y))
PAIR_LOOP(mod_l, int64_t, int64_t, y == 0 || y == -1 ? 0 : x - floored(x, y) * y)
static inline float log_added(float x, float y) {
    if (x == y) return x + 0.693147181f;
    float most = x > y ? x : y, least = x > y ? y : x;
    return x != x || y != y ? x + y : most + log1pf(expf(least - most));
}
PAIR_LOOP(logaddexp_f, float, float, log_added(x, y))
PAIR_LOOP(and_l, int64_t, int64_t, x & y) PAIR_LOOP(and_b, uint8_t, uint8_t, x & y)
PAIR_LOOP(or_l, int64_t, int64_t, x | y) PAIR_LOOP(or_b, uint8_t, uint8_t, x | y)
PAIR_LOOP(xor_l, int64_t, int64_t, x ^ y) PAIR_LOOP(xor_b, uint8_t, uint8_t, x ^ y)
PAIR_LOOP(rshift_l, int64_t, int64_t, x >> (y < 0 || y > 63 ? 63 : y))
PAIR_LOOP(lshift_l, int64_t, int64_t, y < 0 || y > 63 ? 0 : (int64_t)((uint64_t)x << y))

static status combine(const call *c, pair_loop f, dtype made) {
    NEED(f && c->n == 2 && c->in[0]->dtype == c->in[1]->dtype);
    int rank;
    int64_t shape[RANKS];
    TRY(broadcast(2, c->in, &rank, shape));
    value a, b;
    TRY(stretch(&a, c->in[0], rank, shape));
    TRY(stretch(&b, c->in[1], rank, shape));
    TRY(make_over(c, made, rank, shape));
    if (!count(c->out)) return OK;
    const value *out = c->out;
    walk w = walk_of(3, (const value *const[]){out, &a, &b});
    int64_t n = w.shape[w.rank - 1], sa = w.stride[1][w.rank - 1], sb = w.stride[2][w.rank - 1], size = BYTES[a.dtype];
    EACH_ROW(w, 3, f(out->data + at[0] * BYTES[made], a.data + at[1] * size, sa, b.data + at[2] * size, sb, n));
    return OK;
}

#define BINARY(name, f32, f64, i64, truth, made) static status op_##name(const call *c) { \
    NEED(c->n == 2); \
    dtype kind = (dtype)c->in[0]->dtype; \
    pair_loop f = kind == FLOAT32 ? (pair_loop)(f32) : kind == FLOAT64 ? (pair_loop)(f64) : kind == INT64 ? (pair_loop)(i64) \
                  : kind == BOOL ? (pair_loop)(truth) : NULL; \
    return combine(c, f, made); \
}
#define ORDER(name) BINARY(name, name##_f, name##_d, name##_l, name##_b, BOOL)
ORDER(eq) ORDER(ne) ORDER(lt) ORDER(le) ORDER(gt) ORDER(ge)
BINARY(maximum, maximum_f, maximum_d, maximum_l, maximum_b, kind)
BINARY(minimum, minimum_f, minimum_d, minimum_l, minimum_b, kind)
BINARY(add, add_f, add_d, add_l, add_b, kind)
BINARY(sub, sub_f, sub_d, sub_l, NULL, kind)
BINARY(mul, mul_f, mul_d, mul_l, mul_b, kind)
BINARY(div, div_f, div_d, NULL, NULL, kind)
BINARY(pow, pow_f, pow_d, NULL, NULL, kind)
BINARY(floordiv, NULL, NULL, floordiv_l, NULL, kind)
BINARY(mod, NULL, NULL, mod_l, NULL, kind)
BINARY(logaddexp, logaddexp_f, NULL, NULL, NULL, kind)
BINARY(and, NULL, NULL, and_l, and_b, kind)
BINARY(or, NULL, NULL, or_l, or_b, kind)
BINARY(xor, NULL, NULL, xor_l, xor_b, kind)
BINARY(rshift, NULL, NULL, rshift_l, NULL, kind)
BINARY(lshift, NULL, NULL, lshift_l, NULL, kind)

/* --- of three, and from kind to kind --- */

#define WHERE_ROW(type) do { \
    type *to = (type *)out->data + row * n; \
    const uint8_t *mask = (const uint8_t *)m.data + at[0]; \
    const type *x = (const type *)a.data + at[1], *y = (const type *)b.data + at[2]; \
    if (sm == 1 && sa == 0 && sb == 1) for (int64_t i = 0; i < n; i++) to[i] = mask[i] ? *x : y[i]; \
    else if (sm == 1 && sa == 1 && sb == 0) for (int64_t i = 0; i < n; i++) to[i] = mask[i] ? x[i] : *y; \
    else if (sm == 1 && sa == 1 && sb == 1) for (int64_t i = 0; i < n; i++) to[i] = mask[i] ? x[i] : y[i]; \
    else if (sm == 0) for (int64_t i = 0; i < n; i++) to[i] = *mask ? x[i * sa] : y[i * sb]; \
    else for (int64_t i = 0; i < n; i++) to[i] = mask[i * sm] ? x[i * sa] : y[i * sb]; \
    row++; \
} while (0)

static status op_where(const call *c) {
    NEED(c->n == 3 && c->in[0]->dtype == BOOL && c->in[1]->dtype == c->in[2]->dtype);
    int rank;
    int64_t shape[RANKS];
    TRY(broadcast(3, c->in, &rank, shape));
    value m, a, b;
    TRY(stretch(&m, c->in[0], rank, shape));
    TRY(stretch(&a, c->in[1], rank, shape));
    TRY(stretch(&b, c->in[2], rank, shape));
    TRY(make(c->out, (dtype)a.dtype, rank, shape));
    if (!count(c->out)) return OK;
    const value *out = c->out;
    walk w = walk_of(3, (const value *const[]){&m, &a, &b});
    int64_t n = w.shape[w.rank - 1], sm = w.stride[0][w.rank - 1], sa = w.stride[1][w.rank - 1], sb = w.stride[2][w.rank - 1], row = 0;
    switch (BYTES[a.dtype]) {
    case 1: EACH_ROW(w, 3, WHERE_ROW(uint8_t)); break;
    case 4: EACH_ROW(w, 3, WHERE_ROW(uint32_t)); break;
    default: EACH_ROW(w, 3, WHERE_ROW(uint64_t));
    }
    return OK;
}

#define CAST(from, to) static void cast_##from##_##to(to *y, const from *x, int64_t n) { for (int64_t i = 0; i < n; i++) y[i] = (to)x[i]; }
#define TO_TRUTH(from) static void cast_##from##_truth(uint8_t *y, const from *x, int64_t n) { for (int64_t i = 0; i < n; i++) y[i] = x[i] != 0; }
#define CASTS(from) CAST(from, int8_t) CAST(from, int32_t) CAST(from, int64_t) CAST(from, float) CAST(from, double) TO_TRUTH(from)
#define CAST_ROW(from) {(loop)cast_##from##_truth, (loop)cast_##from##_int8_t, (loop)cast_##from##_int32_t, (loop)cast_##from##_int64_t, \
                        (loop)cast_##from##_float, (loop)cast_##from##_double}
CASTS(uint8_t) CASTS(int8_t) CASTS(int32_t) CASTS(int64_t) CASTS(float) CASTS(double)
static const loop CAST_LOOPS[DTYPES][DTYPES] = {CAST_ROW(uint8_t), CAST_ROW(int8_t), CAST_ROW(int32_t), CAST_ROW(int64_t), CAST_ROW(float), CAST_ROW(double)};

static status op_cast(const call *c) {
    NEED(c->places == 1 && c->told[0] >= 0 && c->told[0] < DTYPES);
    dtype made = (dtype)c->told[0];
    if (made == (dtype)c->in[0]->dtype) { *c->out = view(c->in[0]); return OK; }
    return apply(c, CAST_LOOPS[c->in[0]->dtype][made], made);
}
