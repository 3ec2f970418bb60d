/* A graph, played: see `regard.runtime.compiled`, which writes down the program that is read here.
 *
 * The file is compiled once for each class of processors; CLASS ends the names of what is called from outside.
 */
#include "elementwise.h"
#include "picks.h"
#include "recurrent.h"
#include "sums.h"

#define JOIN_(a, b) a##_##b
#define JOIN(a, b) JOIN_(a, b)
#define OUTSIDE(name) JOIN(regard_##name, CLASS)

static status op_scan(const call *c);

typedef struct { const char *name; operation run; } named;
#define OP(name) {#name, op_##name}
static const named OPERATIONS[] = {
    OP(abs), OP(exp), OP(log), OP(log1p), OP(expm1), OP(sqrt), OP(tanh), OP(sin), OP(cos), OP(sign), OP(floor), OP(ceil), OP(trunc),
    OP(isnan), OP(isinf), OP(isfinite), OP(maximum), OP(minimum), OP(logaddexp), OP(where), OP(matmul), OP(neg), OP(rsqrt),
    OP(reciprocal), OP(round), OP(atan), OP(sigmoid), OP(erf), OP(relu), OP(not), OP(add), OP(sub), OP(mul), OP(div), OP(floordiv),
    OP(mod), OP(pow), OP(eq), OP(ne), OP(lt), OP(le), OP(gt), OP(ge), OP(and), OP(or), OP(xor), OP(rshift), OP(lshift), OP(tril),
    OP(sum), OP(mean), OP(amax), OP(amin), OP(prod), OP(any), OP(all), OP(argmax), OP(logsumexp), OP(softmax), OP(log_softmax),
    OP(layer_norm), OP(group_norm), OP(sort), OP(convolution), OP(cumsum), OP(cumprod), OP(cummax), OP(logcumsumexp), OP(gru), OP(lstm),
    OP(rnn_tanh), OP(reshape), OP(expand), OP(tile), OP(transpose), OP(unsqueeze), OP(squeeze), OP(slice), OP(select), OP(concat),
    OP(flip), OP(pad), OP(windows), OP(take), OP(gather), OP(scatter_add), OP(pick), OP(cast), OP(arange), OP(full), OP(linear), OP(grow),
    OP(scan),
};
enum { KINDS = sizeof OPERATIONS / sizeof *OPERATIONS, MOST_RESULTS = 16, MOST_INPUTS = 64 };

typedef struct { operation run; int n, results; int64_t told_at, told, dying; const int64_t *in, *out, *kept; } node;
typedef struct graph {
    int64_t inputs, slots, constants, sizes, patches, told, nodes, outputs;
    const int64_t *size_table, *patch_table, *told_table, *output_slots;
    value *constant;
    int64_t *constant_slot;
    node *node;
    int64_t *program;
} graph;

typedef struct { int64_t n; value values[]; } bundle;  /* arrays that are held from run to run */

static const int64_t *read_value(value *x, const int64_t *at) {  /* address, kind, rank, shape: without gaps, of somebody else's */
    *x = (value){.data = (char *)at[0], .dtype = (int8_t)at[1], .rank = (int8_t)at[2]};
    for (int i = 0; i < x->rank; i++) x->shape[i] = at[3 + i];
    lay_out(x);
    return at + 3 + x->rank;
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
        for (int k = 0; k < n->n; k++) { in[k] = slot + n->in[k]; if (!in[k]->data) state = CANNOT; }
        if (state == OK) state = n->run(&(call){in, n->n, n->results, out, told + n->told_at, n->told, n->kept, (uint32_t)n->dying});
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

/* --- from outside --- */

#pragma GCC visibility push(default)

const char *OUTSIDE(operation)(int64_t i) { return i >= 0 && i < KINDS ? OPERATIONS[i].name : NULL; }

packed *OUTSIDE(pack)(const int64_t *matrix, const int64_t *strides, const int64_t *scale) {
    value w, s;
    read_value(&w, matrix);
    if (w.rank != 2) return NULL;
    w.stride[0] = strides[0];
    w.stride[1] = strides[1];
    if (!scale) return pack_floats(&w);
    read_value(&s, scale);
    return w.shape[1] > MOST_IN_BYTES ? NULL : pack_bytes(&w, &s);
}

void OUTSIDE(unpack)(packed *p) { unpack(p); }

void OUTSIDE(forget)(graph *g) {
    if (!g) return;
    free(g->constant);
    free(g->constant_slot);
    free(g->node);
    free(g->program);
    free(g);
}

graph *OUTSIDE(build)(const int64_t *program, int64_t length) {
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
    if (!g->constant || !g->constant_slot || !g->node) { OUTSIDE(forget)(g); return NULL; }
    for (int64_t i = 0; i < g->constants; i++) { g->constant_slot[i] = *at; at = read_value(g->constant + i, at + 1); }
    g->size_table = at; at += 3 * g->sizes;
    g->patch_table = at; at += 2 * g->patches;
    g->told_table = at; at += g->told;
    for (int64_t i = 0; i < g->nodes; i++) {
        node *made = g->node + i;
        *made = (node){.run = OPERATIONS[at[0]].run, .n = (int)at[1], .results = (int)at[2], .told_at = at[4], .told = at[5], .dying = at[6]};
        made->in = at + 7;
        made->out = made->in + made->n;
        made->kept = made->out + made->results;
        at = made->kept + at[3];
        if (made->n > MOST_INPUTS || made->results > MOST_RESULTS) { OUTSIDE(forget)(g); return NULL; }
    }
    g->output_slots = at;
    return g;
}

void OUTSIDE(release)(bundle *b) {
    if (!b) return;
    for (int64_t i = 0; i < b->n; i++) let_go(b->values[i].held);
    free(b);
}

static bundle *bundle_of(int64_t n, const value *values) {
    bundle *b = malloc(sizeof *b + sizeof(value) * (size_t)n);
    if (!b) return NULL;
    b->n = n;
    memcpy(b->values, values, sizeof(value) * (size_t)n);
    return b;
}

/* arrays: those of the caller's, one behind the other; state: the rest of the inputs.  ready: for each output that is no state an address,
 * and how many bytes there are: where it fits it is written there, and the address becomes 0.  left: those outputs, and the state. */
int OUTSIDE(run)(const graph *g, int64_t n, const int64_t *arrays, const bundle *state, int64_t wanted, int64_t *ready, bundle **left) {
    int64_t held = state ? state->n : 0;
    left[0] = left[1] = NULL;
    if (n + held != g->inputs || wanted > g->outputs) return CANNOT;
    value *given = malloc(sizeof(value) * (size_t)(n + 1)), *made = malloc(sizeof(value) * (size_t)(g->outputs + 1));
    const value **inputs = malloc(sizeof(value *) * (size_t)(g->inputs + 1));
    status told = given && made && inputs ? OK : CANNOT;
    for (int64_t i = 0; told == OK && i < n; i++) { arrays = read_value(given + i, arrays); inputs[i] = given + i; }
    for (int64_t i = 0; told == OK && i < held; i++) inputs[n + i] = state->values + i;
    if (told == OK) told = play(g, inputs, made);
    if (told == OK) {
        for (int64_t i = 0; i < g->outputs; i++) {  /* what lies in an array of the caller's is not there for long */
            if (made[i].held) continue;
            value own;
            if (make(&own, (dtype)made[i].dtype, made[i].rank, made[i].shape) != OK) { told = CANNOT; continue; }
            copy_into(&own, made + i);
            made[i] = own;
        }
        for (int64_t i = 0; i < wanted; i++) {
            if (!ready[2 * i] || ready[2 * i + 1] != count(made + i) * BYTES[(int)made[i].dtype]) continue;
            value place = made[i];
            place.data = (char *)ready[2 * i];
            lay_out(&place);
            copy_into(&place, made + i);
            ready[2 * i] = 0;
        }
        left[0] = bundle_of(wanted, made);
        left[1] = bundle_of(g->outputs - wanted, made + wanted);
        if (!left[0] || !left[1]) told = CANNOT;
    }
    free(given);
    free(made);
    free((void *)inputs);
    return told;
}

/* kind, rank and shape of an array that is held, in 2 + RANKS numbers. */
void OUTSIDE(describe)(const bundle *b, int64_t i, int64_t *told) {
    const value *x = b->values + i;
    told[0] = x->dtype;
    told[1] = x->rank;
    for (int k = 0; k < x->rank; k++) told[2 + k] = x->shape[k];
}

void OUTSIDE(copy)(const bundle *b, int64_t i, char *to) {
    value place = b->values[i];
    place.data = to;
    lay_out(&place);
    copy_into(&place, b->values + i);
}

/* The arrays of other rows; those that are `common` as they are. */
bundle *OUTSIDE(rows)(const bundle *b, int64_t n, const int64_t *rows, const int64_t *common) {
    bundle *made = bundle_of(b->n, b->values);
    if (!made) return NULL;
    int64_t done = 0;
    for (; done < b->n; done++) {
        const value *x = b->values + done;
        value *out = made->values + done;
        if (common && common[done]) { *out = view(x); continue; }
        if (x->rank < 1) break;
        int64_t shape[RANKS], room = x->held ? x->held->room : 0;
        memcpy(shape, x->shape, sizeof shape);
        shape[0] = n;
        int axis = room ? x->held->axis : 0;
        value like = *x;
        memcpy(like.shape, shape, sizeof shape);
        bool fits = room && axis > 0 && axis < x->rank && x->shape[axis] <= room;
        if ((fits ? make_roomy(out, &like, axis, x->shape[axis], room) : make(out, (dtype)x->dtype, x->rank, shape)) != OK) break;
        bool whole_rows = true;
        for (int64_t r = 0; whole_rows && r < n; r++) {
            whole_rows = rows[r] >= 0 && rows[r] < x->shape[0];
            if (!whole_rows) break;
            value to = part_of(out, 0, r, 1), from = part_of(x, 0, rows[r], 1);
            copy_into(&to, &from);
        }
        if (!whole_rows) { let_go(out->held); break; }
    }
    if (done == b->n) return made;
    made->n = done;
    OUTSIDE(release)(made);
    return NULL;
}

#ifdef __x86_64__
#define FITS(name) (__builtin_cpu_supports(name) ? 1 : 0)
int OUTSIDE(best)(void) {  /* 4: AVX-512 with VNNI, 3: AVX2 with FMA, 2: any */
    __builtin_cpu_init();
    if (FITS("avx512f") && FITS("avx512bw") && FITS("avx512vl") && FITS("avx512dq") && FITS("avx512vnni")) return 4;
    return FITS("avx2") && FITS("fma") && FITS("bmi2") ? 3 : 2;
}
#else
int OUTSIDE(best)(void) { return 2; }
#endif

#pragma GCC visibility pop
