/* What is called from outside: matrices laid out, graphs built and played, states held.
 *
 * The file is compiled once for each class of processors; CLASS ends the names of all that is seen.
 */
#include "graph.h"

#define JOIN_(a, b) a##_##b
#define JOIN(a, b) JOIN_(a, b)
#define OUTSIDE(name) JOIN(regard_##name, CLASS)

typedef struct { int64_t n; value values[]; } bundle;  /* arrays that are held from run to run */

#pragma GCC visibility push(default)

const char *OUTSIDE(operation)(int64_t i) { return i >= 0 && i < KINDS ? OPERATIONS[i].name : NULL; }

packed *OUTSIDE(pack)(const int64_t *matrix, const int64_t *strides, const int64_t *scale) {
    value w, s;
    read_value(&w, matrix);
    if (w.rank != 2 || w.dtype != (scale ? INT8 : FLOAT32)) return NULL;
    w.stride[0] = strides[0];
    w.stride[1] = strides[1];
    if (!scale) return pack_floats(&w);
    read_value(&s, scale);
    bool fits = s.rank == 1 && s.dtype == FLOAT32 && s.shape[0] == w.shape[0] && w.shape[1] <= MOST_IN_BYTES;
    return fits ? pack_bytes(&w, &s) : NULL;
}

void OUTSIDE(unpack)(packed *p) { unpack(p); }
graph *OUTSIDE(build)(const int64_t *program, int64_t length) { return build(program, length); }
void OUTSIDE(forget)(graph *g) { forget(g); }

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
