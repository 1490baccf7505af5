// SPDX-License-Identifier: GPL-2.0-only
/* What is read of the program's memory. It is in the same address space, and nothing catches a bad pointer. */
#include <linux/errno.h>
#include <linux/export.h>
#include <linux/uaccess.h>

long strncpy_from_user(char *to, const char __user *from, long size)
{
	const char *text = (const char __force *)from;
	long length = strnlen(text, size);

	memcpy(to, text, length < size ? length + 1 : size);
	return length;
}
EXPORT_SYMBOL(strncpy_from_user);

long strnlen_user(const char __user *text, long size)
{
	return strnlen((const char __force *)text, size) + 1;
}
EXPORT_SYMBOL(strnlen_user);
