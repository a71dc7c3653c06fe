#pragma once
// First, so that liburing's _GNU_SOURCE cannot give this module another view of libc than Swift's.
#include <features.h>
#include <liburing.h>
