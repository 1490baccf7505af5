/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/shared.h"

#include <errno.h>
#include <sys/mman.h>

void *shared_make(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

void shared_free(void *memory, size_t size)
{
	if (memory)
		munmap(memory, size);
}

int shared_lock_make(pthread_mutex_t *lock)
{
	pthread_mutexattr_t attributes;
	int code = pthread_mutexattr_init(&attributes);

	if (code)
		return -code;
	code = pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
	if (code == 0)
		code = pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
	if (code == 0)
		code = pthread_mutex_init(lock, &attributes);
	pthread_mutexattr_destroy(&attributes);
	return -code;
}

void shared_lock(pthread_mutex_t *lock)
{
	if (pthread_mutex_lock(lock) == EOWNERDEAD)
		pthread_mutex_consistent(lock);
}
