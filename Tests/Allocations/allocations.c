// Counts allocations per thread by standing in front of the C library's own functions. Linked into
// an executable, these are found first by everything in it, the Swift runtime included.

#include "allocations.h"
#include <errno.h>
#include <stddef.h>

static _Thread_local unsigned long count;

unsigned long allocationsOfThisThread(void) { return count; }

#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)

int countsAllocations(void) { return 0; }

#else

int countsAllocations(void) { return 1; }

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

void *malloc(size_t size) {
    count++;
    return __libc_malloc(size);
}

void *calloc(size_t number, size_t size) {
    count++;
    return __libc_calloc(number, size);
}

void *realloc(void *old, size_t size) {
    count++;
    return __libc_realloc(old, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
    count++;
    return __libc_memalign(alignment, size);
}

void *memalign(size_t alignment, size_t size) {
    count++;
    return __libc_memalign(alignment, size);
}

int posix_memalign(void **result, size_t alignment, size_t size) {
    count++;
    void *memory = __libc_memalign(alignment, size);
    if (!memory) return ENOMEM;
    *result = memory;
    return 0;
}

#endif
