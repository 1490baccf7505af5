/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a reader needs to judge the figures: the machine, what failed, the method and its limits. */
#include "assess/report_parts.h"

#include "assess/profile.h"
#include "base/clock.h"

#include <string.h>
#include <time.h>

static void print_device(const struct page *page, const json_t *device)
{
	fputs("<p>", page->out);
	page_text(page, json_string_value(json_object_get(device, "cpu")));
	fprintf(page->out, ", %lld processors, %.1f GB of memory, ",
		(long long)json_integer_value(json_object_get(device, "cpus")),
		(double)json_integer_value(json_object_get(device, "memory_bytes")) / 1e9);
	page_text(page, json_string_value(json_object_get(device, "architecture")));
	fputs(", Linux ", page->out);
	page_text(page, json_string_value(json_object_get(device, "kernel")));
}

void page_machine(const struct page *page)
{
	const struct summary *summary = page->summary;
	struct stats packet = summary_noise(summary, "packet");
	time_t when;
	char day[64];

	if (!summary->calibration_count)
		return;
	print_device(page, json_object_get(summary->calibrations[0], "device"));
	when = (time_t)json_integer_value(json_object_get(summary->calibrations[0], "time"));
	strftime(day, sizeof(day), "%Y-%m-%d", gmtime(&when));
	fprintf(page->out, "; measured from %s on.</p>\n", day);
	fprintf(page->out,
		"<p class=\"dim\">Noise: the cost of a packet on this machine, measured %zu times "
		"in "
		"between, was %.2f&nbsp;&micro;s, half of the times within %.0f&nbsp;%%, the "
		"extremes "
		"%.2f and %.2f. What differs by less than that says nothing.</p>\n",
		packet.n, packet.median / NS_PER_US, packet.spread * 100, packet.least / NS_PER_US,
		packet.most / NS_PER_US);
}

void page_failures(const struct page *page)
{
	const struct summary *summary = page->summary;

	if (!summary->failed_count)
		return;
	fprintf(page->out,
		"<h2>What failed</h2>\n<p>%u measurements, which count nowhere:</p><ul>\n",
		summary->failed_count);
	for (unsigned i = 0; i < summary->failed_count; i++) {
		fputs("<li><code>", page->out);
		page_text(page, json_string_value(json_object_get(summary->failed[i], "key")));
		fputs("</code>: ", page->out);
		page_text(page, json_string_value(json_object_get(summary->failed[i], "why")));
		fputs("</li>\n", page->out);
	}
	fputs("</ul>\n", page->out);
}

static void print_profiles(const struct page *page)
{
	fputs("<ul>\n", page->out);
	for (const struct profile *profile = profiles; profile->name[0]; profile++) {
		struct profile_quota quota;

		if (profile->emulated) {
			fprintf(page->out,
				"<li><b>%s</b>: no control group, but a whole computer in an "
				"emulator (QEMU without the processor's help), with a processor, "
				"%u&nbsp;MiB beside its kernel and files, and Debian's kernel. "
				"Processor time is that of the emulated processor from the start "
				"of the program to its end, memory what the program and the "
				"kernel took for it, and the cell begins when the device has "
				"started</li>\n",
				profile->name, (unsigned)(profile->memory >> 20));
			continue;
		}
		if (profile->cpus <= 0) {
			fprintf(page->out, "<li><b>%s</b>: without limits</li>\n", profile->name);
			continue;
		}
		quota = profile_quota(profile);
		fprintf(page->out,
			"<li><b>%s</b>: %g of a processor (%.3g of each %.3g&nbsp;ms), "
			"%llu&nbsp;MiB"
			"</li>\n",
			profile->name, profile->cpus, (double)quota.time / NS_PER_MS,
			(double)quota.period / NS_PER_MS,
			(unsigned long long)(profile->memory >> 20));
	}
	fputs("</ul>\n", page->out);
}

void page_method(const struct page *page)
{
	fputs("<h2>How it was measured</h2>\n"
	      "<p>Each measurement is a lab of its own (network namespaces and emulated links on "
	      "one "
	      "machine), with a program that sends a seeded pattern and checks every byte where it "
	      "arrives. The order is drawn anew in each round. Every figure is a median; the "
	      "intervals are bootstrapped (2000 resamples, 95&nbsp;%); with fewer than 3 "
	      "repetitions they are what was seen. Protocol tcp is a peer without MPTCP. Where "
	      "requests or transfers follow one another, one that takes longer than the median "
	      "counts also for those that would have been made meanwhile.</p>\n"
	      "<p>Processor time is that of the device's processes and of what the kernel does for "
	      "them (start-up and the checking of bytes included), by the accounts of their "
	      "control group. On a profile of one processor or less, which has that for itself, "
	      "it also holds what the processor did on nobody's account (nobody_s in the "
	      "records): the device's kernel, as packets come while no program runs. Other "
	      "interrupts, the way into idleness and out of it, and what this machine's own host "
	      "took meanwhile are in it, too. Where all processors are everyone's, on profile "
	      "<i>this</i>, that cannot be told from what the kernel does for the links and the "
	      "servers, and is not in; what it did in softirqs for all of them is in the records "
	      "(softirq_s). So processor time compares within a profile, not between that one and "
	      "others.</p>\n"
	      "<p>Memory is the largest sum of PSS, seen four times a second. Bytes and segments "
	      "sent again by subflow are what the device's run saw of its subflows, on whichever "
	      "stack; segments sent again in all are those, or more where the device's kernel "
	      "counted more, and the server's.</p>\n"
	      "<p>A hardware profile is a control group:</p>\n",
	      page->out);
	print_profiles(page);
	fputs("<p>What it cannot take away is not faked: caches, clock and width of the processor, "
	      "the speed of memory, and work that the kernel does on nobody's account are those of "
	      "this machine. No kernel takes a quota below 1&nbsp;ms, so a tenth within 5&nbsp;ms "
	      "cannot be had, and the periods of small profiles are longer; workload "
	      "<i>control</i> shows how long a program without network has to wait for its next "
	      "share.</p>\n"
	      "<h2>Again</h2>\n<p><code>rivulet assess --out FOLDER</code> with the options of "
	      "this "
	      "one; see rivulet-assess(1). <code>results.jsonl</code> holds every measurement with "
	      "its seed, <code>results.csv</code> and <code>summary.json</code> the figures.</p>\n",
	      page->out);
	if (!page->plots)
		fputs("<p class=\"dim\">Without plots: gnuplot is not installed.</p>\n", page->out);
}
