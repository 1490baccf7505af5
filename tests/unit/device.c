/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What /proc and control groups say of a device, in the forms that architectures and versions give it. */
#include "probe/device.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const char x86[] =
	"processor\t: 0\nvendor_id\t: X\nmodel name\t: Some CPU @ 2.00GHz\nflags\t\t: a b\n";
static const char pi[] =
	"processor\t: 0\nBogoMIPS\t: 108.00\nHardware\t: BCM2835\nModel\t\t: Raspberry Pi 4";

static void a_field(void **state)
{
	char value[64];

	device_field(x86, "model name", value, sizeof(value));
	assert_string_equal(value, "Some CPU @ 2.00GHz");
	device_field(pi, "Model", value, sizeof(value));
	assert_string_equal(value, "Raspberry Pi 4");
	device_field(pi, "model name", value, sizeof(value));
	assert_string_equal(value, "");
	device_field("MemTotal:       24684092 kB\nMemFree: 1 kB\n", "MemTotal", value,
		     sizeof(value));
	assert_string_equal(value, "24684092 kB");
	/* The key of another line, and a value that is empty or too long. */
	device_field("Mem: 1\nMemTotal: 2\n", "MemTotal", value, sizeof(value));
	assert_string_equal(value, "2");
	device_field("Model:   \nx: 1\n", "Model", value, sizeof(value));
	assert_string_equal(value, "");
	device_field(x86, "model name", value, 5);
	assert_string_equal(value, "Some");
}

static void a_share_of_cpus(void **state)
{
	assert_true(device_cpu_share("50000 100000\n") == 0.5);
	assert_true(device_cpu_share("150000\n 100000\n") == 1.5);
	assert_true(device_cpu_share("max 100000\n") == 0);
	assert_true(device_cpu_share("-1\n 100000\n") == 0);
	assert_true(device_cpu_share("1 0") == 0);
	assert_true(device_cpu_share("") == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_field),
		cmocka_unit_test(a_share_of_cpus),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
