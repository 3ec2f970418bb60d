/* A graph, played: see `regard.runtime.program`, which writes down the numbers that are read here. */
#pragma once

#include "elementwise.h"
#include "fills.h"
#include "pages.h"
#include "picks.h"
#include "recurrent.h"
#include "sums.h"

static status op_scan(const call *c);

typedef struct { const char *name; operation run; int least, most, results; } named;  /* how much it reads; results: 0: it says for itself */
#define OP(name, least, most, results) {#name, op_##name, least, most, results},
#define ONE(name) OP(name, 1, 1, 1)
#define TWO(name) OP(name, 2, 2, 1)
enum { MOST_RESULTS = 16, MOST_INPUTS = 64 };
static const named OPERATIONS[] = {
    ONE(abs) ONE(exp) ONE(log) ONE(log1p) ONE(expm1) ONE(sqrt) ONE(tanh) ONE(sin) ONE(cos) ONE(sign) ONE(floor) ONE(ceil) ONE(trunc)
    ONE(isnan) ONE(isinf) ONE(isfinite) ONE(neg) ONE(rsqrt) ONE(reciprocal) ONE(round) ONE(atan) ONE(sigmoid) ONE(erf) ONE(relu) ONE(not)
    ONE(tril) ONE(sum) ONE(mean) ONE(amax) ONE(amin) ONE(prod) ONE(any) ONE(all) ONE(argmax) ONE(logsumexp) ONE(softmax) ONE(log_softmax)
    ONE(cumsum) ONE(cumprod) ONE(cummax) ONE(logcumsumexp) ONE(reshape) ONE(expand) ONE(tile) ONE(transpose) ONE(unsqueeze) ONE(squeeze)
    ONE(slice) ONE(select) ONE(flip) ONE(windows) ONE(cast)
    TWO(maximum) TWO(minimum) TWO(logaddexp) TWO(matmul) TWO(add) TWO(sub) TWO(mul) TWO(div) TWO(floordiv) TWO(mod) TWO(pow) TWO(eq)
    TWO(ne) TWO(lt) TWO(le) TWO(gt) TWO(ge) TWO(and) TWO(or) TWO(xor) TWO(rshift) TWO(lshift) TWO(pad) TWO(take) TWO(gather) TWO(grow) TWO(page)
    OP(where, 3, 3, 1) OP(layer_norm, 3, 3, 1) OP(group_norm, 3, 3, 1) OP(scatter_add, 3, 3, 1) OP(sort, 1, 1, 2) OP(linear, 1, 2, 1)
    OP(convolution, 1, 2, 1) OP(gru, 4, 4, 2) OP(rnn_tanh, 4, 4, 2) OP(lstm, 5, 5, 3) OP(concat, 1, MOST_INPUTS, 1) OP(pick, 2, RANKS, 1)
    OP(arange, 0, 0, 1) OP(full, 0, 0, 1) OP(scan, 1, MOST_RESULTS, 0)
};
enum { KINDS = sizeof OPERATIONS / sizeof *OPERATIONS };

typedef struct { operation run; int n, results; int64_t told_at, told, dying; const int64_t *in, *out, *kept; } node;
typedef struct graph {
    int64_t inputs, slots, constants, sizes, patches, told, nodes, outputs;
    const int64_t *size_table, *patch_table, *told_table, *output_slots;
    value *constant;
    int64_t *constant_slot;
    node *node;
    int64_t *program;
} graph;

static const int64_t *read_value(value *x, const int64_t *at) {  /* address, kind, rank, shape: without gaps, of somebody else's */
    *x = (value){.data = (char *)at[0], .dtype = (int8_t)at[1], .rank = (int8_t)at[2]};
    for (int i = 0; i < x->rank; i++) x->shape[i] = at[3 + i];
    lay_out(x);
    return at + 3 + x->rank;
}

static void forget(graph *g) {
    if (!g) return;
    free(g->constant);
    free(g->constant_slot);
    free(g->node);
    free(g->program);
    free(g);
}

static graph *build(const int64_t *program, int64_t length) {
    graph *g = calloc(1, sizeof *g);
    if (!g) return NULL;
    g->program = malloc(sizeof *program * (size_t)length);
    if (!g->program) { free(g); return NULL; }
    memcpy(g->program, program, sizeof *program * (size_t)length);
    const int64_t *at = g->program;
    g->inputs = at[0]; g->slots = at[1]; g->constants = at[2]; g->sizes = at[3];
    g->patches = at[4]; g->told = at[5]; g->nodes = at[6]; g->outputs = at[7];
    at += 8;
    g->constant = calloc((size_t)g->constants + 1, sizeof(value));
    g->constant_slot = calloc((size_t)g->constants + 1, sizeof(int64_t));
    g->node = calloc((size_t)g->nodes + 1, sizeof(node));
    if (!g->constant || !g->constant_slot || !g->node) { forget(g); return NULL; }
    for (int64_t i = 0; i < g->constants; i++) { g->constant_slot[i] = *at; at = read_value(g->constant + i, at + 1); }
    g->size_table = at; at += 3 * g->sizes;
    g->patch_table = at; at += 2 * g->patches;
    g->told_table = at; at += g->told;
    for (int64_t i = 0; i < g->nodes; i++) {
        node *made = g->node + i;
        const named *kind = OPERATIONS + at[0];
        bool fits = at[1] >= kind->least && at[1] <= kind->most && at[2] <= MOST_RESULTS && (!kind->results || at[2] == kind->results);
        if (!fits) { forget(g); return NULL; }
        *made = (node){.run = kind->run, .n = (int)at[1], .results = (int)at[2], .told_at = at[4], .told = at[5], .dying = at[6]};
        made->in = at + 7;
        made->out = made->in + made->n;
        made->kept = made->out + made->results;
        at = made->kept + at[3];
    }
    g->output_slots = at;
    return g;
}

static status find_sizes(const graph *g, const value *const *inputs, int64_t *sizes) {
    enum { NUMBER, OF_INPUT, ADD, MULTIPLY, DIVIDE, MOST, LEAST };
    for (int64_t i = 0; i < g->sizes; i++) {
        int64_t kind = g->size_table[3 * i], a = g->size_table[3 * i + 1], b = g->size_table[3 * i + 2];
        if (kind == NUMBER) { sizes[i] = a; continue; }
        if (kind == OF_INPUT) { NEED(b >= 0 && b < inputs[a]->rank); sizes[i] = inputs[a]->shape[b]; continue; }
        int64_t x = sizes[a], y = sizes[b], told = 0;
        if (kind == ADD) NEED(!__builtin_add_overflow(x, y, &told));
        if (kind == MULTIPLY) NEED(!__builtin_mul_overflow(x, y, &told));
        if (kind == DIVIDE) { NEED(y > 0); told = floored(x, y); }
        if (kind == MOST) told = x > y ? x : y;
        if (kind == LEAST) told = x < y ? x : y;
        sizes[i] = told;
    }
    return OK;
}

/* Whether an operation reads an input as it is whose rows in memory stand for several, or which lies in pages. */
static bool reads_folded(const node *n, int k, const value *const *in, const int64_t *told) {
    if (n->run == op_transpose) return n->told > 1 && told[0] > 0 && told[1] == 0;
    if (n->run == op_page) return k == 0 && in[0]->paged && in[0]->copies <= 1;
    return n->run == op_matmul && k == 1 && (in[1]->paged ? reads_pages(in[0], in[1]) : reads_copies(in[0], in[1]));
}

static status play(const graph *g, const value *const *inputs, value *outputs) {
    block *room = take_block(g->slots * (int64_t)sizeof(value) + (g->sizes + g->told) * 8 + 64);
    NEED(room);
    value *slot = (value *)numbers_of(room);
    int64_t *sizes = (int64_t *)(slot + g->slots), *told = sizes + g->sizes;
    for (int64_t i = 0; i < g->slots; i++) { slot[i].data = NULL; slot[i].held = NULL; }
    status state = find_sizes(g, inputs, sizes);
    memcpy(told, g->told_table, sizeof *told * (size_t)g->told);
    if (state == OK) for (int64_t i = 0; i < g->patches; i++) told[g->patch_table[2 * i]] = sizes[g->patch_table[2 * i + 1]];
    for (int64_t i = 0; i < g->inputs; i++) slot[i] = view(inputs[i]);
    for (int64_t i = 0; i < g->constants; i++) slot[g->constant_slot[i]] = g->constant[i];
    for (int64_t i = 0; state == OK && i < g->nodes; i++) {
        const node *n = g->node + i;
        const value *in[MOST_INPUTS];
        value out[MOST_RESULTS];
        value whole_rows[MOST_INPUTS];
        int spread_out = 0;
        for (int k = 0; k < n->n && state == OK; k++) {
            in[k] = slot + n->in[k];
            if (!in[k]->data) state = CANNOT;
            else if (is_folded(in[k]) && !reads_folded(n, k, in, told + n->told_at)) {
                state = spread(whole_rows + spread_out, in[k]);
                if (state == OK) in[k] = whole_rows + spread_out++;
            }
        }
        if (state == OK) state = n->run(&(call){in, n->n, n->results, out, told + n->told_at, n->told, n->kept, (uint32_t)n->dying});
        while (spread_out) let_go(whole_rows[--spread_out].held);
        if (state != OK) break;
        for (int k = 0; k < n->n && k < 32; k++)
            if (n->dying >> k & 1) { let_go(slot[n->in[k]].held); slot[n->in[k]].held = NULL; slot[n->in[k]].data = NULL; }
        for (int k = 0; k < n->results; k++) { let_go(slot[n->out[k]].held); slot[n->out[k]] = out[k]; }
    }
    for (int64_t i = 0; state == OK && i < g->outputs; i++) if (!slot[g->output_slots[i]].data) state = CANNOT;
    for (int64_t i = 0; state == OK && i < g->outputs; i++) outputs[i] = view(slot + g->output_slots[i]);
    for (int64_t i = 0; i < g->slots; i++) let_go(slot[i].held);
    let_go(room);
    return state;
}

/* The body over the first axis of the first input: y of each step, "B T ...", and the state that is left. */
static status op_scan(const call *c) {
    const graph *body = ((const graph *const *)c->kept)[0];
    const value *steps = c->in[0];
    NEED(steps->rank >= 1 && steps->shape[0] >= 1 && body->inputs == c->n && body->outputs == c->n && c->results == c->n);
    value state[MOST_RESULTS], left[MOST_RESULTS];
    const value *in[MOST_RESULTS];
    for (int k = 1; k < c->n; k++) state[k] = view(c->in[k]);
    status told = OK;
    bool made = false;
    for (int64_t t = 0; told == OK && t < steps->shape[0]; t++) {
        state[0] = without_axis(steps, 0, t);
        for (int k = 0; k < c->n; k++) in[k] = state + k;
        told = play(body, in, left);
        for (int k = 0; k < c->n; k++) let_go(state[k].held);
        if (told != OK) { for (int k = 1; k < c->n; k++) state[k].held = NULL; break; }
        if (!made) {
            int64_t shape[RANKS] = {left[0].shape[0], steps->shape[0]};
            told = left[0].rank < 1 || left[0].rank >= RANKS ? CANNOT : OK;
            for (int i = 1; told == OK && i < left[0].rank; i++) shape[i + 1] = left[0].shape[i];
            if (told == OK) told = make(c->out, (dtype)left[0].dtype, left[0].rank + 1, shape);
            made = told == OK;
        }
        if (told == OK) {
            value part = without_axis(c->out, 1, t);
            bool fits = part.rank == left[0].rank && part.dtype == left[0].dtype;
            for (int i = 0; fits && i < part.rank; i++) fits = part.shape[i] == left[0].shape[i];
            if (fits) copy_into(&part, left); else told = CANNOT;
            let_go(part.held);
        }
        let_go(left[0].held);
        for (int k = 1; k < c->n; k++) state[k] = left[k];
    }
    if (told == OK) { for (int k = 1; k < c->n; k++) c->out[k] = state[k]; return OK; }
    for (int k = 1; k < c->n; k++) let_go(state[k].held);
    if (made) let_go(c->out->held);
    return told;
}
