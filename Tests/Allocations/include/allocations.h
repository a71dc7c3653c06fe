#ifndef ALLOCATIONS_H
#define ALLOCATIONS_H

/// Allocations the calling thread has made so far; 0 for ever where they are not counted.
unsigned long allocationsOfThisThread(void);

/// Whether allocations are counted: not under a sanitizer, which has an allocator of its own.
int countsAllocations(void);

/// Lets nobody watch typed throws and returns who did. Swift Testing does, and allocates for each,
/// which would be counted against the code under test.
void *takeThrowObserver(void);

/// Lets an observer taken before watch again.
void returnThrowObserver(void *observer);

#endif
