// Counts allocations per thread by standing in front of the C library's own functions. Linked into
// an executable, these are found first by everything in it, the Swift runtime included.

#include "allocations.h"
#include <errno.h>
#include <stddef.h>

static _Thread_local unsigned long count;

unsigned long allocationsOfThisThread(void) { return count; }

// The Swift runtime's own variable; a pointer to a function, changed atomically.
extern void *_swift_willThrowTypedImpl __attribute__((weak));

void *takeThrowObserver(void) {
    if (!&_swift_willThrowTypedImpl) return NULL;
    return __atomic_exchange_n(&_swift_willThrowTypedImpl, NULL, __ATOMIC_SEQ_CST);
}

void returnThrowObserver(void *observer) {
    if (!&_swift_willThrowTypedImpl) return;
    __atomic_store_n(&_swift_willThrowTypedImpl, observer, __ATOMIC_SEQ_CST);
}

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
