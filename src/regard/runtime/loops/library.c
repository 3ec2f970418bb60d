/* What is called from outside: matrices laid out, graphs built and played, states held.
 *
 * The file is compiled once for each class of processors; CLASS ends the names of all that is seen.
 */
#include "graph.h"
#include "processors.h"

#define JOIN_(a, b) a##_##b
#define JOIN(a, b) JOIN_(a, b)
#define OUTSIDE(name) JOIN(regard_##name, CLASS)

typedef struct { int64_t n; value values[]; } bundle;  /* arrays that are held from run to run */

#pragma GCC visibility push(default)

int OUTSIDE(best)(void) { return best_class(); }

int OUTSIDE(threads)(int n) { return set_threads(n); }

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

/* arrays: those of the caller's, one behind the other; state: the rest of the inputs.  ready: for each output that is no state an address, rows
 * and columns: what is such a table in float32 is written there, and the address becomes 0.  left: those outputs, and the state. */
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
            bool copied = i < wanted && is_folded(made + i);
            if (made[i].held && !copied) continue;
            value own;
            if ((copied ? spread(&own, made + i) : make(&own, (dtype)made[i].dtype, made[i].rank, made[i].shape)) != OK) { told = CANNOT; continue; }
            if (!copied) copy_into(&own, made + i);
            let_go(made[i].held);
            made[i] = own;
        }
        for (int64_t i = 0; i < wanted; i++) {
            const value *x = made + i;
            bool fits = x->dtype == FLOAT32 && x->rank == 2 && x->shape[0] == ready[3 * i + 1] && x->shape[1] == ready[3 * i + 2];
            if (!ready[3 * i] || !fits) continue;
            value place = made[i];
            place.data = (char *)ready[3 * i];
            lay_out(&place);
            copy_into(&place, made + i);
            ready[3 * i] = 0;
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

int OUTSIDE(copy)(const bundle *b, int64_t i, char *to) {
    value x = b->values[i], own = {0};
    if (is_folded(&x)) {
        if (spread(&own, &x) != OK) return 1;
        x = own;
    }
    value place = x;
    place.data = to;
    lay_out(&place);
    copy_into(&place, &x);
    let_go(own.held);
    return 0;
}

/* How many rows behind one another are the same row in memory, all along; 1: none, or none alike. */
static int64_t copies_of(const value *x, int64_t n, const int64_t *rows) {
    int64_t before = x->copies > 1 ? x->copies : 1, many = before;
    if (many == 1) while (many < n && rows[many] == rows[0]) many++;
    if (many < 2 || n % many || many > INT32_MAX) return 1;
    for (int64_t r = 0; r < n; r++) if (rows[r] / before != rows[r - r % many] / before) return 1;
    return many;
}

typedef struct { const value *out, *source; const int64_t *rows; int64_t many, before; } choice;

static void copy_rows(void *about, int64_t from, int64_t to) {
    const choice *c = about;
    for (int64_t r = from; r < to; r++) {
        value row = part_of(c->out, 0, r, 1), old = part_of(c->source, 0, c->rows[r * c->many] / c->before, 1);
        copy_into(&row, &old);
    }
}

static status choose_rows(value *out, const value *x, int64_t n, const int64_t *rows, bool shares) {
    NEED(x->rank >= 1);
    for (int64_t r = 0; r < n; r++) NEED(rows[r] >= 0 && rows[r] < x->shape[0]);
    if (x->paged) return choose_pages(out, x, n, rows);
    int64_t room = x->held ? x->held->room : 0, before = x->copies > 1 ? x->copies : 1;
    int64_t many = shares && !room ? copies_of(x, n, rows) : 1;
    bool same = n == x->shape[0] / before * many && (many > 1 || before == 1);
    for (int64_t r = 0; same && r < n; r++) same = rows[r] / before == r / many;
    if (same) {  /* nothing moves */
        *out = view(x);
        out->shape[0] = n;
        out->copies = many > 1 ? (int32_t)many : 0;
        return OK;
    }
    value like = *x;
    int axis = room ? x->held->axis : 0;
    like.copies = 0;
    like.shape[0] = n / many;
    bool fits = room && axis > 0 && axis < x->rank && x->shape[axis] <= room;
    TRY(fits ? make_roomy(out, &like, axis, x->shape[axis], room) : make(out, (dtype)x->dtype, x->rank, like.shape));
    value source = *x;
    source.copies = 0;
    choice c = {out, &source, rows, many, before};
    in_pieces(n / many, count(&like) * 2, copy_rows, &c);  /* as long as so many products, for memory is slow */
    out->shape[0] = n;
    out->copies = many > 1 ? (int32_t)many : 0;
    return OK;
}

/* The arrays of other rows; those that are `common` as they are, those that are `shared` with one row in memory for several that are alike. */
bundle *OUTSIDE(rows)(const bundle *b, int64_t n, const int64_t *rows, const int64_t *common, const int64_t *shared) {
    bundle *made = bundle_of(b->n, b->values);
    if (!made) return NULL;
    for (int64_t i = 0; i < b->n; i++) {
        if (common[i]) made->values[i] = view(b->values + i);
        else if (choose_rows(made->values + i, b->values + i, n, rows, shared[i]) != OK) {
            made->n = i;
            OUTSIDE(release)(made);
            return NULL;
        }
    }
    return made;
}

/* x "R N"; values and places "R k", k not above N: the largest of each row, and where they stand; see `top_of_row`. */
void OUTSIDE(top_k)(const float *x, int64_t R, int64_t N, int64_t k, float *values, int64_t *places) {
    for (int64_t r = 0; r < R; r++) top_of_row(x + r * N, N, k, values + r * k, places + r * k);
}

#pragma GCC visibility pop
