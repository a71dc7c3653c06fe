#pragma once
#include <linux/if_tun.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>

// Guarded by _GNU_SOURCE, which would give this module another view of libc than Swift's.
extern int setns(int fd, int kind);
extern int unshare(int flags);
extern int accept4(int fd, void *address, void *length, int flags);
extern int pipe2(int fds[2], int flags);
// Of malloc.h, which Swift's view of libc leaves out.
extern int mallopt(int parameter, int value);
extern int memfd_create(const char *name, unsigned int flags);
extern int pthread_setname_np(unsigned long thread, const char *name);
extern int pthread_attr_setaffinity_np(void *attributes, unsigned long size, const void *cpus);
