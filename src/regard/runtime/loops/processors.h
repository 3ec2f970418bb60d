/* Which class of processors this machine's is. */
#pragma once

#ifdef __x86_64__
#define FITS(name) (__builtin_cpu_supports(name) ? 1 : 0)
static int best_class(void) {  /* 4: AVX-512 with VNNI, 3: AVX2 with FMA, 2: any */
    __builtin_cpu_init();
    if (FITS("avx512f") && FITS("avx512bw") && FITS("avx512vl") && FITS("avx512dq") && FITS("avx512vnni")) return 4;
    return FITS("avx2") && FITS("fma") && FITS("bmi2") ? 3 : 2;
}
static int made_by_intel(void) { __builtin_cpu_init(); return __builtin_cpu_is("intel") ? 1 : 0; }
#else
static int best_class(void) { return 2; }
static int made_by_intel(void) { return 0; }
#endif
