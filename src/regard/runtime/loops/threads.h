/* Work in pieces, for several threads: each piece says the same whoever does it.
 *
 * A helper looks for work for a while and then sleeps, so that it does not take a core from others for long; who called does pieces too and
 * waits only for those that were begun, not for a helper that comes late.  One call at a time has the helpers; another does its work alone,
 * and so does what is called within a piece.
 *
 * Beside PyTorch its own OpenMP threads do the pieces (`use_openmp`): they wait for their next work at full speed for milliseconds after each
 * operation, and helpers of ours would find every core taken.  But whoever calls waits for all of them, which takes milliseconds where other
 * programs have the cores.  While more threads want to run than there are cores, and for a while after one came late, work is not shared.
 */
#pragma once

#include "values.h"

typedef void (*piece)(void *about, int64_t from, int64_t to);

enum { WORTH = 1 << 18 };  /* products from which it pays to share them: some microseconds */

#if defined(_WIN32)
static int set_threads(int n) { (void)n; return 1; }
static void use_openmp(void *parallel, bool insist) { (void)parallel; (void)insist; }
static void in_pieces(int64_t n, int64_t cost, piece work, void *about) { (void)cost; work(about, 0, n); }
#else
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <time.h>
#if defined(__linux__)
#include <sys/sysinfo.h>
#endif

enum { MOST_THREADS = 64, LOOKS = 20000, PIECES = 4 };  /* how often a helper looks, some 250 us: from step to step; pieces for each thread */
static const uint64_t CLOSED = 0xffffffffu;  /* in the place of a piece's number: there is none */

static struct {
    pthread_mutex_t lock;
    pthread_cond_t work;
    _Atomic uint64_t ticket;  /* the turn, and in the lower half the next piece of it */
    _Atomic int64_t pieces, done, sleepers;
    int64_t n;
    piece what;
    void *about;
    int wanted, started;
    atomic_flag taken;
} team = {.lock = PTHREAD_MUTEX_INITIALIZER, .work = PTHREAD_COND_INITIALIZER, .ticket = 0xffffffffu, .wanted = 1, .taken = ATOMIC_FLAG_INIT};

enum { LATE = 300000, SHORT = 20000000, LONG = 640000000 };  /* ns: what is waited for a thread on a busy machine; how long that is believed */
static _Atomic int64_t busy_until, believed = SHORT, asked_at;
static _Atomic bool crowd, insisting;  /* insisting: work is shared on a busy machine too, for tests and measurements */
static void (*openmp)(void (*)(void *), void *, unsigned, unsigned);  /* GOMP_parallel, where it is to be used */
static _Thread_local bool in_piece;  /* a piece */

static inline void breathe(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
}

static bool do_piece(void) {  /* whether there was one */
    uint64_t ticket = atomic_load(&team.ticket);
    for (;;) {
        int64_t i = (int64_t)(ticket & CLOSED), pieces = atomic_load(&team.pieces);
        if (i >= pieces) return false;
        if (!atomic_compare_exchange_weak(&team.ticket, &ticket, ticket + 1)) continue;
        /* the turn is not over before this piece is: what is read now is of it */
        in_piece = true;
        team.what(team.about, team.n * i / pieces, team.n * (i + 1) / pieces);
        in_piece = false;
        atomic_fetch_add(&team.done, 1);
        return true;
    }
}

static void *help(void *nothing) {
    (void)nothing;
    for (int looks = 0;;) {
        if (do_piece()) { looks = 0; continue; }
        if (++looks < LOOKS) { breathe(); continue; }
        looks = 0;
        pthread_mutex_lock(&team.lock);
        atomic_fetch_add(&team.sleepers, 1);
        while ((int64_t)(atomic_load(&team.ticket) & CLOSED) >= atomic_load(&team.pieces)) pthread_cond_wait(&team.work, &team.lock);
        atomic_fetch_sub(&team.sleepers, 1);
        pthread_mutex_unlock(&team.lock);
    }
    return NULL;
}

static void forget_helpers(void) {  /* in a process that was forked: it has none */
    pthread_mutex_init(&team.lock, NULL);
    pthread_cond_init(&team.work, NULL);
    atomic_store(&team.ticket, CLOSED);
    atomic_store(&team.sleepers, 0);
    atomic_flag_clear(&team.taken);
    atomic_flag_clear(&lists_in_use);
    team.started = 0;
    openmp = NULL;  /* it would wait for its threads for ever */
    in_piece = false;
}

static void hear_of_forks(void) {
    static atomic_flag told = ATOMIC_FLAG_INIT;
    if (!atomic_flag_test_and_set(&told)) pthread_atfork(NULL, NULL, forget_helpers);
}

static int set_threads(int n) {
    team.wanted = n < 1 ? 1 : n > MOST_THREADS ? MOST_THREADS : n;
    return team.wanted;
}

static void start_helpers(void) {  /* by who has the team */
    hear_of_forks();
    while (team.started < team.wanted - 1) {
        pthread_t one;
        if (pthread_create(&one, NULL, help, NULL)) { team.wanted = team.started + 1; return; }
        pthread_detach(one);
        team.started++;
    }
}

static void use_openmp(void *parallel, bool insist) {
    hear_of_forks();
    memcpy(&openmp, &parallel, sizeof openmp);
    atomic_store(&insisting, insist);
}

typedef struct { piece work; void *about; int64_t n, pieces, done; pthread_t who; _Atomic int64_t next; } share;  /* done: when who called was */

static int64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void take_pieces(void *shared) {
    share *s = shared;
    in_piece = true;
    for (int64_t i; (i = atomic_fetch_add(&s->next, 1)) < s->pieces;) s->work(s->about, s->n * i / s->pieces, s->n * (i + 1) / s->pieces);
    in_piece = false;
}

/* Whether more threads want to run than there are cores, as Linux says; asked anew after 10 ms. */
static bool crowded(int64_t at) {
    if (at - atomic_load(&asked_at) < SHORT / 2) return atomic_load(&crowd);
    atomic_store(&asked_at, at);
    bool told = false;
#if defined(__linux__)
    int running = 0;
    FILE *file = fopen("/proc/loadavg", "re");
    if (file && fscanf(file, "%*s %*s %*s %d", &running) == 1) told = running > get_nprocs();
    if (file) fclose(file);
#endif
    atomic_store(&crowd, told);
    return told;
}

static void take_mine(void *shared) {
    share *s = shared;
    take_pieces(s);
    if (pthread_equal(s->who, pthread_self())) s->done = now();
}

static void by_openmp(int64_t n, piece work, void *about, int64_t begun) {
    share s = {.work = work, .about = about, .n = n, .pieces = n < team.wanted * PIECES ? n : team.wanted * PIECES, .who = pthread_self()};
    openmp(take_mine, &s, (unsigned)team.wanted, 0);
    int64_t end = now(), waited = end - s.done, usual = (s.done - begun) / PIECES;  /* a piece that another one is at */
    if (waited < LATE + usual) { atomic_store(&believed, SHORT); return; }
    int64_t span = atomic_load(&believed);
    atomic_store(&busy_until, end + span);
    atomic_store(&believed, span < LONG ? 2 * span : LONG);
}

/* `work` from 0 to n, by whoever is there.  cost: of all, in products. */
static void in_pieces(int64_t n, int64_t cost, piece work, void *about) {
    if (team.wanted < 2 || n < 2 || cost < WORTH || in_piece) { work(about, 0, n); return; }
    if (openmp) {
        int64_t begun = now();
        if (!atomic_load(&insisting) && (begun < atomic_load(&busy_until) || crowded(begun))) work(about, 0, n);
        else by_openmp(n, work, about, begun);
        return;
    }
    if (atomic_flag_test_and_set(&team.taken)) { work(about, 0, n); return; }
    start_helpers();
    uint64_t turn = (atomic_load(&team.ticket) >> 32) + 1;
    atomic_store(&team.ticket, turn << 32 | CLOSED);  /* nobody takes a piece while the work changes */
    team.what = work;
    team.about = about;
    team.n = n;
    int64_t pieces = n < team.wanted * PIECES ? n : team.wanted * PIECES;
    atomic_store(&team.done, 0);
    atomic_store(&team.pieces, pieces);
    atomic_store(&team.ticket, turn << 32);
    if (atomic_load(&team.sleepers)) {
        pthread_mutex_lock(&team.lock);
        pthread_cond_broadcast(&team.work);
        pthread_mutex_unlock(&team.lock);
    }
    while (do_piece()) {}
    for (int64_t looks = 0; atomic_load(&team.done) < pieces; looks++) { if (looks < LOOKS) breathe(); else sched_yield(); }
    atomic_store(&team.ticket, turn << 32 | CLOSED);
    atomic_flag_clear(&team.taken);
}
#endif
