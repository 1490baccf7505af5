/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_LKL_ATOMIC_H
#define _ASM_LKL_ATOMIC_H

#include <asm/barrier.h>
#include <asm/cmpxchg.h>
#include <linux/types.h>

/* Plain C, for the reason that cmpxchg.h gives. */
#define LKL_ATOMIC(prefix, type, value, op, c_op)                        \
	static inline void arch_##prefix##_##op(value i, type *v)        \
	{                                                                \
		v->counter = v->counter c_op i;                          \
	}                                                                \
	static inline value arch_##prefix##_fetch_##op(value i, type *v) \
	{                                                                \
		value was = v->counter;                                  \
                                                                         \
		v->counter = was c_op i;                                 \
		return was;                                              \
	}
#define LKL_ATOMIC_RETURN(prefix, type, value, op, c_op)                    \
	static inline value arch_##prefix##_##op##_return(value i, type *v) \
	{                                                                   \
		return v->counter = v->counter c_op i;                      \
	}
#define LKL_ATOMICS(prefix, type, value)               \
	LKL_ATOMIC(prefix, type, value, add, +)        \
	LKL_ATOMIC(prefix, type, value, sub, -)        \
	LKL_ATOMIC(prefix, type, value, and, &)        \
	LKL_ATOMIC(prefix, type, value, or, |)         \
	LKL_ATOMIC(prefix, type, value, xor, ^)        \
	LKL_ATOMIC_RETURN(prefix, type, value, add, +) \
	LKL_ATOMIC_RETURN(prefix, type, value, sub, -)

#define ATOMIC64_INIT(i) \
	{                \
		(i)      \
	}

LKL_ATOMICS(atomic, atomic_t, int)
LKL_ATOMICS(atomic64, atomic64_t, s64)

#define arch_atomic_read(v)     READ_ONCE((v)->counter)
#define arch_atomic_set(v, i)   WRITE_ONCE(((v)->counter), (i))
#define arch_atomic64_read(v)   READ_ONCE((v)->counter)
#define arch_atomic64_set(v, i) WRITE_ONCE(((v)->counter), (i))

#define arch_atomic_fetch_add    arch_atomic_fetch_add
#define arch_atomic_fetch_sub    arch_atomic_fetch_sub
#define arch_atomic_fetch_and    arch_atomic_fetch_and
#define arch_atomic_fetch_or     arch_atomic_fetch_or
#define arch_atomic_fetch_xor    arch_atomic_fetch_xor
#define arch_atomic_add_return   arch_atomic_add_return
#define arch_atomic_sub_return   arch_atomic_sub_return
#define arch_atomic64_fetch_add  arch_atomic64_fetch_add
#define arch_atomic64_fetch_sub  arch_atomic64_fetch_sub
#define arch_atomic64_fetch_and  arch_atomic64_fetch_and
#define arch_atomic64_fetch_or   arch_atomic64_fetch_or
#define arch_atomic64_fetch_xor  arch_atomic64_fetch_xor
#define arch_atomic64_add_return arch_atomic64_add_return
#define arch_atomic64_sub_return arch_atomic64_sub_return

#endif
