/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory that a process has in common with its children after fork(), and locks in there. One of a process's own that another
 * thread holds at the fork is never free again in the child, where that thread is not.
 */
#pragma once

#include <pthread.h>
#include <stddef.h>

/* All zero; NULL: there is none. Each process frees its own view of it. */
void *shared_make(size_t size);
void shared_free(void *memory, size_t size);

/* For shared memory; is not to be destroyed, for others may have it still. 0 or a negative errno. */
int shared_lock_make(pthread_mutex_t *lock);
/* What a process that was killed while it had the lock has left half done is the caller's to see to. Ends with
 * pthread_mutex_unlock(). */
void shared_lock(pthread_mutex_t *lock);
