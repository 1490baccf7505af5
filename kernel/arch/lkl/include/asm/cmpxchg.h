/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_LKL_CMPXCHG_H
#define _ASM_LKL_CMPXCHG_H

/* Plain C: one thread runs all of this, and an interrupt comes only where interrupts are switched on or polled for. */
#define arch_xchg(ptr, v)                     \
	({                                    \
		__typeof__(ptr) at_ = (ptr);  \
		__typeof__(*at_) was_ = *at_; \
		*at_ = (__typeof__(*at_))(v); \
		was_;                         \
	})

#define arch_cmpxchg(ptr, o, n)                       \
	({                                            \
		__typeof__(ptr) at_ = (ptr);          \
		__typeof__(*at_) was_ = *at_;         \
		if (was_ == (__typeof__(*at_))(o))    \
			*at_ = (__typeof__(*at_))(n); \
		was_;                                 \
	})

#define arch_cmpxchg_local   arch_cmpxchg
#define arch_cmpxchg64       arch_cmpxchg
#define arch_cmpxchg64_local arch_cmpxchg

#endif
