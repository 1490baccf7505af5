/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "assess/report_parts.h"

#include "assess/plot.h"
#include "base/cleanup.h"

#include <limits.h>
#include <string.h>

/* Both themes of the reader's system; tables scroll by themselves where the screen is narrow. */
static const char style[] =
	":root{color-scheme:light dark;--fg:#1b1f24;--dim:#5c6670;--bg:#fff;--line:#d8dde3;"
	"--good:#1a7f45;--bad:#b3261e;--card:#f5f7f9}"
	"@media(prefers-color-scheme:dark){:root{--fg:#e6e9ed;--dim:#9aa5b1;--bg:#14171b;"
	"--line:#343b44;--good:#5fd38d;--bad:#ff8a80;--card:#1c2127}}"
	"body{font:16px/1.5 system-ui,sans-serif;color:var(--fg);background:var(--bg);"
	"margin:0 auto;padding:1rem;max-width:60rem}"
	"h1{font-size:1.6rem;line-height:1.2;margin:.5rem 0}h2{font-size:1.25rem;margin:2.2rem 0 "
	".4rem;border-bottom:1px solid var(--line)}h3{font-size:1.05rem;margin:1.4rem 0 .2rem}"
	".dim{color:var(--dim);font-size:.9rem}"
	".answer{background:var(--card);border-radius:.6rem;padding:.7rem 1rem;margin:.8rem 0}"
	".answer ul{margin:.3rem 0;padding-left:1.2rem}summary{cursor:pointer}"
	".wide{overflow-x:auto}table{border-collapse:collapse;font-size:.88rem;margin:.5rem 0}"
	"th,td{padding:.3rem .6rem;border-bottom:1px solid var(--line);text-align:left;"
	"vertical-align:top;white-space:nowrap}"
	"td small{color:var(--dim);display:block}"
	".good{color:var(--good)}.bad{color:var(--bad)}"
	".plots{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(22rem,100%),1fr));"
	"gap:.6rem}figure{margin:0}figure svg{width:100%;height:auto}"
	"svg text{fill:var(--fg)}code{font-size:.9em;overflow-wrap:anywhere}";

void page_text(const struct page *page, const char *text)
{
	for (; text && *text; text++)
		switch (*text) {
		case '<':
			fputs("&lt;", page->out);
			break;
		case '>':
			fputs("&gt;", page->out);
			break;
		case '&':
			fputs("&amp;", page->out);
			break;
		case '"':
			fputs("&quot;", page->out);
			break;
		default:
			fputc(*text, page->out);
		}
}

static bool is_alike(const struct group *a, const struct group *b)
{
	return strcmp(a->scenario, b->scenario) == 0 && strcmp(a->workload, b->workload) == 0 &&
	       strcmp(a->profile, b->profile) == 0;
}

/* Groups come in the order of the dice: here by their names. */
static int compare(const void *a, const void *b)
{
	const struct group *x = *(const struct group *const *)a;
	const struct group *y = *(const struct group *const *)b;
	int order = (x->link != NULL) - (y->link != NULL);

	if (!order)
		order = strcmp(y->stack, x->stack);
	if (!order)
		order = strcmp(y->protocol, x->protocol);
	return order ? order : x->link && y->link ? strcmp(x->link, y->link) : 0;
}

unsigned page_groups(const struct page *page, const struct group *like, bool links,
		     const struct group *ret[static PAGE_GROUPS])
{
	unsigned count = 0;

	for (unsigned i = 0; i < page->summary->count && count < PAGE_GROUPS; i++) {
		const struct group *group = &page->summary->groups[i];

		if (is_alike(group, like) && (links || !group->link))
			ret[count++] = group;
	}
	qsort((void *)ret, count, sizeof(*ret), compare);
	return count;
}

const struct group *page_next(const struct page *page, unsigned *at)
{
	for (; *at < page->summary->count; ++*at) {
		const struct group *group = &page->summary->groups[*at];
		bool seen = false;

		for (unsigned i = 0; i < *at && !seen; i++)
			seen = is_alike(&page->summary->groups[i], group);
		if (!seen) {
			++*at;
			return group;
		}
	}
	return NULL;
}

/* A file of the report: written aside and put in its place when whole. */
static int write_file(const char *folder, const char *name,
		      void (*write)(const json_t *records, const struct summary *summary,
				    FILE *out),
		      const json_t *records, const struct summary *summary, struct err *err)
{
	_cleanup_fclose_ FILE *out = NULL;
	char path[PATH_MAX], aside[PATH_MAX + 4];
	bool lost;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	snprintf(aside, sizeof(aside), "%s.new", path);
	out = fopen(aside, "we");
	if (!out)
		return err_set(err, -errno, "%s cannot be written: %s", aside, strerror(errno));
	write(records, summary, out);
	errno = EIO; /* where an earlier write is what failed */
	lost = ferror(out);
	if (fclose(steal_ptr(out)) == 0 && !lost && rename(aside, path) == 0)
		return 0;
	err_set(err, -errno, "%s cannot be written: %s", path, strerror(errno));
	unlink(aside);
	return -EIO;
}

static void write_page(const json_t *records, const struct summary *summary, FILE *out)
{
	struct page page = {.summary = summary, .out = out, .plots = plot_possible()};

	fprintf(out,
		"<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
		"<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">"
		"<title>Rivulet: TCP and MPTCP on this "
		"device</title><style>%s</style></head><body>\n"
		"<h1>TCP and MPTCP, over each stack of this device</h1>\n",
		style);
	page_machine(&page);
	page_answers(&page);
	page_scenarios(&page);
	page_failures(&page);
	page_method(&page);
	fputs("</body></html>\n", out);
}

static void write_json(const json_t *records, const struct summary *summary, FILE *out)
{
	json_t *all = summary_describe(summary);

	json_dumpf(all, out, JSON_INDENT(1) | JSON_REAL_PRECISION(6));
	fputc('\n', out);
	json_decref(all);
}

/* A line for each record, RFC 4180. */
static void write_csv(const json_t *records, const struct summary *summary, FILE *out)
{
	static const char *const columns[] = {"scenario", "workload", "profile",
					      "stack",    "protocol", "link"};
	const json_t *record;
	size_t i;

	for (size_t j = 0; j < ARRAY_SIZE(columns); j++)
		fprintf(out, "%s,", columns[j]);
	fputs("repetition", out);
	for (const struct figure *figure = figures; figure->name; figure++)
		fprintf(out, ",%s", figure->name);
	fputs("\r\n", out);
	json_array_foreach(records, i, record)
	{
		const json_t *all = json_object_get(record, "figures");

		if (!all || !json_object_get(record, "seconds"))
			continue; /* it failed, or is of the machine itself */
		for (size_t j = 0; j < ARRAY_SIZE(columns); j++) {
			const char *text = json_string_value(json_object_get(record, columns[j]));

			fputc('"', out);
			for (; text && *text; text++)
				fprintf(out, *text == '"' ? "\"\"" : "%c", *text);
			fputs("\",", out);
		}
		fprintf(out, "%lld",
			(long long)json_integer_value(json_object_get(record, "repetition")));
		for (const struct figure *figure = figures; figure->name; figure++) {
			const json_t *value = json_object_get(all, figure->name);

			fputc(',', out);
			if (value)
				fprintf(out, "%.7g", json_number_value(value));
		}
		fputs("\r\n", out);
	}
}

int report_write(const json_t *records, const char *folder, struct err *err)
{
	_cleanup_(summary_free) struct summary summary;
	int code = summary_make(records, &summary);

	if (code < 0)
		return err_set(err, code, "out of memory");
	code = write_file(folder, "results.csv", write_csv, records, &summary, err);
	if (code == 0)
		code = write_file(folder, "summary.json", write_json, records, &summary, err);
	if (code == 0)
		code = write_file(folder, REPORT_FILE, write_page, records, &summary, err);
	return code;
}

int report_print_json(const json_t *records, FILE *out)
{
	_cleanup_(summary_free) struct summary summary;
	int code = summary_make(records, &summary);
	json_t *all;

	if (code < 0)
		return code;
	all = summary_describe(&summary);
	if (!all)
		return -ENOMEM;
	code = json_dumpf(all, out, JSON_COMPACT | JSON_REAL_PRECISION(6)) < 0 ||
			       fputc('\n', out) == EOF || fflush(out) != 0
		       ? -EIO
		       : 0;
	json_decref(all);
	return code;
}
