/* Arrays of a graph: memory that is counted, and views of it.
 *
 * A shape has at most RANKS axes; strides count numbers, not bytes.  Memory that nobody holds goes back to lists, by size, from which the next
 * array is made: a step of a small net is some hundred arrays, all of sizes that were seen before.
 */
#pragma once

#include <math.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { RANKS = 8, SIZE_CLASSES = 120, KEPT_BYTES = 96 << 20 };
static const int64_t LARGEST = (int64_t)1 << 27;  /* numbers of an array that is made of sizes alone, as in `operations.LARGEST` */
static const int64_t MOST_BYTES = (int64_t)1 << 33;

typedef enum { OK, CANNOT } status;  /* CANNOT: numpy is asked instead, and says what is wrong, if anything is */
typedef enum { BOOL, INT8, INT32, INT64, FLOAT32, FLOAT64, DTYPES } dtype;
static const int BYTES[DTYPES] = {1, 1, 4, 8, 4, 8};

#define TRY(call) do { if ((call) != OK) return CANNOT; } while (0)
#define NEED(truth) do { if (!(truth)) return CANNOT; } while (0)

typedef struct block {
    _Atomic int64_t holders;
    _Atomic int64_t grown;  /* places along its growing axis that are written; see `concat` */
    int64_t room;           /* places along that axis that there is memory for; 0: it does not grow */
    int axis;               /* that axis */
    int size_class;         /* of the list that it goes back to; -1: none */
    struct block *next;
    struct block *under;    /* what it holds in turn: of a table of pages, the pool that they lie in */
} block;  /* the numbers lie behind it, at a multiple of 64 bytes */

typedef struct {
    char *data;
    block *held;  /* NULL: memory of somebody else's, which outlives the run */
    int8_t dtype, rank;
    int8_t paged;    /* above 0: it lies in pages, see `pages.h`; this is the axis of its places */
    int32_t copies;  /* above 1: each row in memory stands for so many rows, and shape[0] counts these; of both kinds: `spread` before it is read */
    int64_t shape[RANKS], stride[RANKS];
} value;

static block *free_blocks[SIZE_CLASSES];
static int64_t kept_bytes;
static atomic_flag lists_in_use = ATOMIC_FLAG_INIT;

static void lock_lists(void) { while (atomic_flag_test_and_set_explicit(&lists_in_use, memory_order_acquire)) {} }
static void unlock_lists(void) { atomic_flag_clear_explicit(&lists_in_use, memory_order_release); }

static inline int64_t class_bytes(int size_class) { return ((int64_t)(4 + size_class % 4) << (size_class / 4)) << 6; }

static int class_of(int64_t bytes) {
    for (int i = 0; i < SIZE_CLASSES; i++) if (class_bytes(i) >= bytes) return i;
    return -1;
}

static block *take_block(int64_t bytes) {
    if (bytes < 0 || bytes > MOST_BYTES) return NULL;
    int size_class = class_of(bytes + 64);
    int64_t whole = size_class < 0 ? bytes + 64 : class_bytes(size_class);
    block *found = NULL;
    if (size_class >= 0) {
        lock_lists();
        found = free_blocks[size_class];
        if (found) { free_blocks[size_class] = found->next; kept_bytes -= whole; }
        unlock_lists();
    }
    if (!found) found = aligned_alloc(64, (size_t)((whole + 63) / 64 * 64));
    if (!found) return NULL;
    atomic_init(&found->holders, 1);
    atomic_init(&found->grown, 0);
    found->room = 0;
    found->under = NULL;
    found->size_class = size_class;
    return found;
}

static void let_go(block *held) {
    if (!held || atomic_fetch_sub(&held->holders, 1) != 1) return;
    let_go(held->under);
    int64_t bytes = held->size_class < 0 ? 0 : class_bytes(held->size_class);
    lock_lists();
    bool kept = bytes && kept_bytes + bytes <= KEPT_BYTES;
    if (kept) { held->next = free_blocks[held->size_class]; free_blocks[held->size_class] = held; kept_bytes += bytes; }
    unlock_lists();
    if (!kept) free(held);
}

static inline void hold(block *held) { if (held) atomic_fetch_add(&held->holders, 1); }
static inline char *numbers_of(block *held) { return (char *)held + 64; }

static inline int64_t count(const value *x) {
    int64_t n = 1;
    for (int i = 0; i < x->rank; i++) n *= x->shape[i];
    return n;
}

static inline void lay_out(value *x) {  /* strides of an array without gaps */
    int64_t step = 1;
    for (int i = x->rank - 1; i >= 0; i--) { x->stride[i] = step; step *= x->shape[i]; }
}

static inline bool without_gaps(const value *x) {
    int64_t step = 1;
    for (int i = x->rank - 1; i >= 0; i--) {
        if (x->shape[i] != 1 && x->stride[i] != step) return false;
        step *= x->shape[i];
    }
    return true;
}

static status make(value *out, dtype kind, int rank, const int64_t *shape) {
    NEED(rank >= 0 && rank <= RANKS);
    int64_t n = 1;
    for (int i = 0; i < rank; i++) {
        NEED(shape[i] >= 0);
        NEED(!__builtin_mul_overflow(n, shape[i], &n));
        NEED(n <= MOST_BYTES / 8);
    }
    value made = {.dtype = (int8_t)kind, .rank = (int8_t)rank, .held = take_block(n * BYTES[kind])};
    NEED(made.held);
    memcpy(made.shape, shape, sizeof *shape * (size_t)rank);
    made.data = numbers_of(made.held);
    lay_out(&made);
    *out = made;
    return OK;
}

static inline value view(const value *x) {  /* the same numbers, held once more */
    hold(x->held);
    return *x;
}

/* The axes of up to three arrays of one shape, those that lie alike in all of them joined; the last is the innermost. */
typedef struct { int rank; int64_t shape[RANKS], stride[3][RANKS]; } walk;

static walk walk_of(int n, const value *const *arrays) {
    walk w = {.rank = 0};
    for (int i = 0; i < arrays[0]->rank; i++) {
        int64_t size = arrays[0]->shape[i];
        if (size == 1) continue;
        bool joins = w.rank > 0;
        for (int k = 0; joins && k < n; k++) joins = w.stride[k][w.rank - 1] == arrays[k]->stride[i] * size;
        if (!joins) w.shape[w.rank++] = 1;
        w.shape[w.rank - 1] *= size;
        for (int k = 0; k < n; k++) w.stride[k][w.rank - 1] = arrays[k]->stride[i];
    }
    if (!w.rank) { w.rank = 1; w.shape[0] = arrays[0]->rank ? count(arrays[0]) : 1; for (int k = 0; k < n; k++) w.stride[k][0] = 1; }
    return w;
}

/* Calls `body` with the place of each innermost row: `at[k]` numbers into array k. */
#define EACH_ROW(w, n, body) do { \
    int64_t index_[RANKS] = {0}, at[3] = {0}; \
    int64_t rows_ = 1; \
    for (int i_ = 0; i_ < (w).rank - 1; i_++) rows_ *= (w).shape[i_]; \
    for (int64_t row_ = 0; row_ < rows_; row_++) { \
        body; \
        for (int i_ = (w).rank - 2; i_ >= 0; i_--) { \
            for (int k_ = 0; k_ < (n); k_++) at[k_] += (w).stride[k_][i_]; \
            if (++index_[i_] < (w).shape[i_]) break; \
            for (int k_ = 0; k_ < (n); k_++) at[k_] -= (w).stride[k_][i_] * (w).shape[i_]; \
            index_[i_] = 0; \
        } \
    } \
} while (0)

#define COPY_ROW(type) do { \
    type *to = (type *)out->data + at[0]; const type *from = (const type *)x->data + at[1]; \
    if (so == 1 && sx == 1) memcpy(to, from, sizeof(type) * (size_t)n); \
    else if (so == 1 && sx == 0) for (int64_t i = 0; i < n; i++) to[i] = *from; \
    else for (int64_t i = 0; i < n; i++) to[i * so] = from[i * sx]; \
} while (0)

static void copy_into(const value *out, const value *x) {  /* of one shape and kind */
    if (!count(out)) return;
    walk w = walk_of(2, (const value *const[]){out, x});
    int64_t n = w.shape[w.rank - 1], so = w.stride[0][w.rank - 1], sx = w.stride[1][w.rank - 1];
    switch (BYTES[x->dtype]) {
    case 1: EACH_ROW(w, 2, COPY_ROW(uint8_t)); break;
    case 4: EACH_ROW(w, 2, COPY_ROW(uint32_t)); break;
    default: EACH_ROW(w, 2, COPY_ROW(uint64_t));
    }
}

static status whole(value *out, const value *x) {  /* x without gaps: itself, or a copy */
    if (without_gaps(x)) { *out = view(x); lay_out(out); return OK; }
    TRY(make(out, (dtype)x->dtype, x->rank, x->shape));
    copy_into(out, x);
    return OK;
}

static inline bool is_folded(const value *x) { return x->copies > 1 || x->paged; }

/* Of an array in pages, the place of a row: a view; nothing is held.  Pages lie in a pool, and which of them is whose says a table, "rows
 * places", which the array holds. */
static value page_of(const value *x, int64_t row, int64_t place) {
    int64_t size = 1;
    for (int i = 1; i < x->rank; i++) if (i != x->paged) size *= x->shape[i];
    value page = *x;
    page.paged = 0;
    page.data += ((const int32_t *)numbers_of(x->held))[row * x->shape[x->paged] + place] * size * BYTES[x->dtype];
    page.shape[0] = page.shape[x->paged] = 1;
    return page;
}

static status spread(value *out, const value *x) {  /* x with a row in memory for each of its rows */
    TRY(make(out, (dtype)x->dtype, x->rank, x->shape));
    if (x->paged) {
        for (int64_t row = 0; row < x->shape[0]; row++)
            for (int64_t place = 0; place < x->shape[x->paged]; place++) {
                value from = page_of(x, row, place), part = from;
                memcpy(part.stride, out->stride, sizeof part.stride);
                part.data = out->data + (row * out->stride[0] + place * out->stride[x->paged]) * BYTES[x->dtype];
                copy_into(&part, &from);
            }
        return OK;
    }
    value to = *out, from = *x;
    from.copies = 0;
    from.shape[0] = to.shape[0] = x->shape[0] / x->copies;
    to.stride[0] *= x->copies;
    for (int i = 0; i < x->copies; i++, to.data += out->stride[0] * BYTES[x->dtype]) copy_into(&to, &from);
    return OK;
}

/* The shape that arrays have together, each axis of size 1 stretched. */
static status broadcast(int n, const value *const *arrays, int *rank, int64_t *shape) {
    *rank = 0;
    for (int k = 0; k < n; k++) if (arrays[k]->rank > *rank) *rank = arrays[k]->rank;
    for (int i = 0; i < *rank; i++) {
        shape[i] = 1;
        for (int k = 0; k < n; k++) {
            int axis = i - (*rank - arrays[k]->rank);
            if (axis < 0 || arrays[k]->shape[axis] == 1) continue;
            NEED(shape[i] == 1 || shape[i] == arrays[k]->shape[axis]);
            shape[i] = arrays[k]->shape[axis];
        }
    }
    return OK;
}

static status stretch(value *out, const value *x, int rank, const int64_t *shape) {  /* a view of x in this shape; nothing is held */
    NEED(x->rank <= rank);
    *out = *x;
    out->rank = (int8_t)rank;
    for (int i = rank - 1, axis = x->rank - 1; i >= 0; i--, axis--) {
        NEED(axis < 0 || x->shape[axis] == 1 || x->shape[axis] == shape[i]);
        out->shape[i] = shape[i];
        out->stride[i] = axis < 0 || x->shape[axis] == 1 ? 0 : x->stride[axis];
        if (axis >= 0 && shape[i] == 1) out->stride[i] = x->stride[axis];
    }
    return OK;
}

static inline double number_of(const value *x) {  /* of an array of one number */
    switch (x->dtype) {
    case FLOAT32: return *(const float *)x->data;
    case FLOAT64: return *(const double *)x->data;
    case INT64: return (double)*(const int64_t *)x->data;
    case INT32: return *(const int32_t *)x->data;
    default: return *(const int8_t *)x->data;
    }
}
