/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/attachments.h"

#include "probe/feature.h"

const struct attachment_need attachment_needs[] = {
	{"substitute",
	 "the program's sockets are made MPTCP ones (run, stack native)",
	 {"seccomp-notify", "seccomp-addfd"}},
	{"relay",
	 "the program's bytes go over a stack's own connections (run, stacks lkl, host)",
	 {"seccomp-notify", "seccomp-addfd", "pidfd-getfd", "ptrace"}},
	{"inside",
	 "the program runs in a kernel of its own (run, stack uml)",
	 {"packets", "shm-exec"}},
	{"proxy",
	 "programs that can be told of a proxy connect by it (rivulet proxy)",
	 {"sock-diag"}},
	{0},
};

int attachment_look(const struct attachment_need *need, struct err *why)
{
	for (unsigned i = 0; i < ATTACHMENT_NEEDS && need->features[i]; i++) {
		int code = feature_look(need->features[i], why);

		if (code < 0)
			return err_prefix(why, code, "it needs %s", need->features[i]);
	}
	return 0;
}
