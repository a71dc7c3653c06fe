#pragma once

/// Asks for the line of memory that an address is in, and goes on.
static inline void request_line(const void *address) { __builtin_prefetch(address); }
