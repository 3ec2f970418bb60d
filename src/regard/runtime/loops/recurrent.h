/* Recurrent layers over all steps of "B T I", by PyTorch's equations: see `operations.gru`, `.lstm`, `.rnn_tanh`, which they equal. */
#pragma once

#include "products.h"

typedef struct { value x; float *states, *h, *c, *said, *inner; const float *bias; const packed *wh; int64_t B, T, D; block *room; } layer;

/* What all kinds begin with: sizes, W x + b of all steps, room for a step.  Inputs: x, h, [c,] bx, bh; packed: wx, wh. */
static status begin(const call *c, int gates, bool memory, layer *l) {
    const value *x = c->in[0], *h = c->in[1];
    const packed *const *p = c->kept;
    NEED(c->n == 4 + memory && c->results == 2 + memory && x->rank == 3 && h->rank == 2);
    *l = (layer){.wh = p[1], .B = x->shape[0], .T = x->shape[1], .D = h->shape[1]};
    for (int i = 0; i < c->n; i++) NEED(c->in[i]->dtype == FLOAT32);
    NEED(h->shape[0] == l->B && p[0]->K == x->shape[2] && p[0]->N == gates * l->D && p[1]->K == l->D && p[1]->N == gates * l->D);
    if (memory) NEED(c->in[2]->rank == 2 && c->in[2]->shape[0] == l->B && c->in[2]->shape[1] == l->D);
    for (int i = 2 + memory; i < 4 + memory; i++)
        NEED(c->in[i]->rank == 1 && c->in[i]->shape[0] == gates * l->D && c->in[i]->stride[0] == 1);
    l->bias = (const float *)c->in[3 + memory]->data;
    int64_t G = gates * l->D, numbers;
    NEED(!__builtin_mul_overflow(l->B * (l->T + 1), G, &numbers));
    l->room = take_block(numbers * 4);
    NEED(l->room);
    l->said = (float *)numbers_of(l->room);
    l->inner = l->said + l->B * l->T * G;
    status told = whole(&l->x, x);
    if (told == OK) {
        told = multiply(l->said, (const float *)l->x.data, l->B * l->T, p[0], (const float *)c->in[2 + memory]->data);
        let_go(l->x.held);
    }
    int made = 0;
    for (; told == OK && made < c->results; made++) {
        told = make(c->out + made, FLOAT32, made ? 2 : 3, made ? h->shape : (int64_t[]){l->B, l->T, l->D});
        if (told == OK && made) copy_into(c->out + made, c->in[made]);
        if (told != OK) break;
    }
    if (told != OK) {
        while (made--) let_go(c->out[made].held);
        let_go(l->room);
        return told;
    }
    l->states = (float *)c->out[0].data;
    l->h = (float *)c->out[1].data;
    if (memory) l->c = (float *)c->out[2].data;
    return OK;
}

/* One row of one step: said = W x + b, inner = U h + b, of all gates; h, and c where there is one, are written over. */
typedef void (*cell)(float *h, float *c, const float *said, const float *inner, int64_t D);

static status over_steps(const call *c, int gates, bool memory, cell step) {
    layer l;
    TRY(begin(c, gates, memory, &l));
    status told = OK;
    int64_t G = gates * l.D;
    for (int64_t t = 0; t < l.T && told == OK; t++) {
        told = multiply(l.inner, l.h, l.B, l.wh, l.bias);
        for (int64_t b = 0; b < l.B && told == OK; b++) {
            step(l.h + b * l.D, memory ? l.c + b * l.D : NULL, l.said + (b * l.T + t) * G, l.inner + b * G, l.D);
            memcpy(l.states + (b * l.T + t) * l.D, l.h + b * l.D, sizeof(float) * (size_t)l.D);
        }
    }
    let_go(l.room);
    if (told != OK) for (int i = 0; i < c->results; i++) let_go(c->out[i].held);
    return told;
}

static inline vec read(const float *from, int64_t n) { return n >= LANES ? load(from) : load_some(from, n, 0.0f); }
static inline void write(float *to, vec v, int64_t n) { if (n >= LANES) store(to, v); else store_some(to, v, n); }
#define GATE(k) (read(said + (k) * D + i, D - i) + read(inner + (k) * D + i, D - i))

static void gru_cell(float *h, float *c, const float *said, const float *inner, int64_t D) {
    (void)c;
    for (int64_t i = 0; i < D; i += LANES) {
        vec r = sigmoid_of(GATE(0)), z = sigmoid_of(GATE(1)), old = read(h + i, D - i);
        vec new = tanh_of(read(said + 2 * D + i, D - i) + r * read(inner + 2 * D + i, D - i));
        write(h + i, new + z * (old - new), D - i);
    }
}

static void lstm_cell(float *h, float *c, const float *said, const float *inner, int64_t D) {
    for (int64_t i = 0; i < D; i += LANES) {
        vec in = sigmoid_of(GATE(0)), keep = sigmoid_of(GATE(1)), fresh = tanh_of(GATE(2)), out = sigmoid_of(GATE(3));
        vec memory = keep * read(c + i, D - i) + in * fresh;
        write(c + i, memory, D - i);
        write(h + i, out * tanh_of(memory), D - i);
    }
}

static void tanh_cell(float *h, float *c, const float *said, const float *inner, int64_t D) {
    (void)c;
    for (int64_t i = 0; i < D; i += LANES) write(h + i, tanh_of(GATE(0)), D - i);
}

static status op_gru(const call *c) { return over_steps(c, 3, false, gru_cell); }
static status op_lstm(const call *c) { return over_steps(c, 4, true, lstm_cell); }
static status op_rnn_tanh(const call *c) { return over_steps(c, 1, false, tanh_cell); }
