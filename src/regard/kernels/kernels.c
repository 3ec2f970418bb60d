/* The kernels of nets that PyTorch trains or asks: see `core/loops.py`, which calls them.
 *
 * The file is compiled once for each class of processors; CLASS ends the names of all that is seen.
 */
#define JOIN_(a, b) a##_##b
#define JOIN(a, b) JOIN_(a, b)
#define OUTSIDE(name) JOIN(regard_##name, CLASS)

#include "kernels.h"
#include "../runtime/loops/processors.h"

#pragma GCC visibility push(default)

#include "additive.h"
#include "cells.h"
#include "looks.h"
#include "prefix.h"
#include "recurrent_steps.h"
#include "rows.h"
#include "sequence.h"
#include "transformer_steps.h"

int OUTSIDE(best)(void) { return best_class(); }

int OUTSIDE(intel)(void) { return made_by_intel(); }

int OUTSIDE(threads)(int n) { return set_threads(n); }

/* insist: share work on a busy machine too. */
void OUTSIDE(openmp)(void *parallel, int insist) { use_openmp(parallel, insist != 0); }

#pragma GCC visibility pop
