/* Arrays that grow by a place for each row at every step and whose rows change places, as a decoder's keys and values do: never moved.
 *
 * What a row has at a place is a page in a pool, which is written once; an array is a table of pages, and to choose rows is to copy numbers of
 * pages.  Kwon et al. 2023 (PagedAttention), section 4, with pages of one place; `inference/transformer_steps.py` does so for nets in PyTorch.
 */
#pragma once

#include "shapes.h"

/* A pool of `room` pages of such arrays, of which those in x come first; `table` is x's, its numbers changed to theirs. */
static block *make_pool(const value *x, int64_t page, int64_t room, int32_t *table) {
    int64_t used = 0;
    block *pool = take_block(room * page), *moved = NULL;
    if (pool && x->paged) {
        int64_t old = x->held->under->room, places = x->shape[0] * x->shape[x->paged];
        if (!(moved = take_block(old * 4))) { let_go(pool); return NULL; }
        int32_t *to = (int32_t *)numbers_of(moved);
        memset(to, 0xff, (size_t)old * 4);
        for (int64_t i = 0; i < places; i++) {
            if (to[table[i]] < 0) {
                memcpy(numbers_of(pool) + used * page, numbers_of(x->held->under) + table[i] * page, (size_t)page);
                to[table[i]] = (int32_t)used++;
            }
            table[i] = to[table[i]];
        }
    }
    let_go(moved);
    if (!pool) return NULL;
    pool->room = room;
    atomic_store(&pool->grown, used);
    return pool;
}

/* Rows and places of an array as pages: where a page's numbers lie in a pool. */
static value as_pages(const value *like, block *pool, int axis) {
    value x = *like;
    int64_t step = 1;
    for (int i = x.rank - 1; i > 0; i--) if (i != axis) { x.stride[i] = step; step *= x.shape[i]; }
    x.stride[0] = x.stride[axis] = 0;
    x.data = numbers_of(pool);
    x.held = NULL;
    return x;
}

/* Writes x's places into pages from `first` on, row by row. */
static void write_pages(const value *x, block *pool, int axis, int64_t first, int64_t page) {
    value to = as_pages(x, pool, axis);
    to.data += first * page;
    to.stride[axis] = page / BYTES[x->dtype];
    to.stride[0] = to.stride[axis] * x->shape[axis];
    copy_into(&to, x);
}

/* concat of a state and what is new along an axis, in pages: only products read them (`runtime/program.py`). */
static status op_page(const call *c) {
    int axis;
    NEED(c->n == 2);
    const value *old = c->in[0], *fresh = c->in[1];
    TRY(axis_told(c, 0, old->rank, &axis));
    NEED(axis > 0 && fresh->rank == old->rank && fresh->dtype == old->dtype && (!old->paged || old->paged == axis));
    int64_t page = BYTES[old->dtype], R = old->shape[0], before = old->shape[axis], more = fresh->shape[axis], T = before + more, need, whole_need, bytes;
    for (int i = 0; i < old->rank; i++) {
        NEED(i == axis || fresh->shape[i] == old->shape[i]);
        if (i && i != axis) NEED(!__builtin_mul_overflow(page, old->shape[i], &page));
    }
    NEED(page > 0 && !__builtin_mul_overflow(R, T, &whole_need) && whole_need < INT32_MAX / 4);
    need = R * (old->paged ? more : T);
    block *table = take_block(whole_need * 4), *pool = NULL;
    NEED(table);
    int32_t *to = (int32_t *)numbers_of(table);
    if (old->paged) {  /* without gaps for now, in case its pages move */
        memcpy(to, numbers_of(old->held), (size_t)(R * before) * 4);
        pool = old->held->under;
    }
    int64_t first = pool ? atomic_load(&pool->grown) : 0;
    while (pool && first + need <= pool->room && !atomic_compare_exchange_weak(&pool->grown, &first, first + need)) {}
    if (pool && first + need <= pool->room) hold(pool);
    else {
        int64_t live = old->paged ? R * before : 0, room = 2 * live + 16 * need;  /* rows of a beam share most of what they keep */
        room = room < INT32_MAX ? room : live + need;
        pool = __builtin_mul_overflow(room, page, &bytes) ? NULL : make_pool(old, page, room, to);
        if (!pool) { let_go(table); return CANNOT; }
        first = atomic_load(&pool->grown);
        atomic_store(&pool->grown, first + need);
    }
    int64_t at = first;
    if (old->paged) for (int64_t r = R - 1; r >= 0; r--) memmove(to + r * T, to + r * before, (size_t)before * 4);
    else {
        if (before) write_pages(old, pool, axis, at, page);
        for (int64_t r = 0; r < R; r++) for (int64_t t = 0; t < before; t++) to[r * T + t] = (int32_t)at++;
    }
    if (more) write_pages(fresh, pool, axis, at, page);
    for (int64_t r = 0; r < R; r++) for (int64_t t = before; t < T; t++) to[r * T + t] = (int32_t)at++;
    table->under = pool;
    *c->out = as_pages(old, pool, axis);
    c->out->held = table;
    c->out->paged = (int8_t)axis;
    c->out->copies = 0;
    c->out->shape[axis] = T;
    return OK;
}

/* The array of other rows, in the same pages. */
static status choose_pages(value *out, const value *x, int64_t n, const int64_t *rows) {
    int64_t T = x->shape[x->paged];
    NEED(n < INT32_MAX / 4 / (T + 1));
    block *table = take_block(n * T * 4);
    NEED(table);
    int32_t *to = (int32_t *)numbers_of(table);
    const int32_t *from = (const int32_t *)numbers_of(x->held);
    for (int64_t r = 0; r < n; r++) memcpy(to + r * T, from + rows[r] * T, (size_t)T * 4);
    table->under = x->held->under;
    hold(table->under);
    *out = *x;
    out->held = table;
    out->shape[0] = n;
    return OK;
}
