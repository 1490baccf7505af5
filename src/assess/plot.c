/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "assess/plot.h"

#include "base/cleanup.h"

#include <ctype.h>
#include <string.h>
#include <sys/mman.h>

/* Small, for phones: two beside each other elsewhere. */
#define WIDTH  440
#define HEIGHT 290
#define KEY    80 /* more, for the names of lines below */

/* Told apart on white and on black, and by most who see fewer colours. */
static const char *const colours[] = {"#3b82c4", "#e07b00", "#2f9e63", "#c2569b",
				      "#8a73d6", "#17a2b0", "#a08a10", "#d1495b"};

static const char *colour(unsigned i)
{
	return colours[i % ARRAY_SIZE(colours)];
}

bool plot_possible(void)
{
	return system("command -v gnuplot >/dev/null 2>&1") == 0;
}

/* Runs the script that lies at @fd, and puts what it draws into the page. */
static void draw(int fd, FILE *page)
{
	char command[64], line[4096];
	bool inside = false;
	FILE *from;

	snprintf(command, sizeof(command), "exec gnuplot /proc/self/fd/%d 2>/dev/null", fd);
	from = popen(command, "re");
	while (from && fgets(line, sizeof(line), from)) {
		/* What comes before is of a document of its own. */
		if (!inside && strncmp(line, "<svg", 4) == 0) {
			inside = true;
			fputs("<figure>", page);
		}
		if (inside)
			fputs(line, page);
	}
	if (from)
		pclose(from);
	if (inside)
		fputs("</figure>\n", page);
}

/* A script to be written, in memory; the caller gives it to finish(). */
static FILE *begin(const char *title, unsigned height)
{
	int fd = memfd_create("plot", 0); /* gnuplot inherits it */
	FILE *script = fd < 0 ? NULL : fdopen(fd, "w+");

	if (!script) {
		close_fd(fd);
		return NULL;
	}
	fprintf(script,
		"set terminal svg size %d,%u dynamic enhanced font 'sans-serif,12'\n"
		"set border 3 linecolor 'gray'\nset tics nomirror\n"
		"set grid ytics linecolor 'gray' linewidth 0.3\n"
		"set title '%s' noenhanced\n",
		WIDTH, height, title);
	return script;
}

static void finish(FILE *script, FILE *page)
{
	fflush(script);
	draw(fileno(script), page);
	fclose(script);
}

/* What comes from a file is nothing that gnuplot would understand. */
static void put(const char *text, FILE *script)
{
	for (; *text; text++)
		fputc(isalnum((unsigned char)*text) || strchr(" .-@", *text) ? *text : '_', script);
}

static void name_group(const struct group *group, FILE *out)
{
	put(group->stack, out);
	fputc(' ', out);
	put(group->protocol, out);
	if (group->link) {
		fputs(" only ", out);
		put(group->link, out);
	}
}

/* Delays of a connection that has died are hundreds of times those of one that goes on, which would be no bar at all. */
#define LOGARITHMIC_FROM 20

static bool is_logarithmic(const struct group *const *groups, unsigned count,
			   const struct figure *figure, double *ret_least)
{
	double most = 0;

	*ret_least = 0;
	for (unsigned i = 0; i < count; i++) {
		struct stats stats = summary_stats(groups[i], figure->name);

		if (!stats.n)
			continue;
		if (stats.median > most)
			most = stats.median;
		if (*ret_least == 0 || stats.least < *ret_least)
			*ret_least = stats.least;
	}
	return strncmp(figure->name, "delay-", strlen("delay-")) == 0 && *ret_least > 0 &&
	       most > LOGARITHMIC_FROM * *ret_least;
}

void plot_bars(const struct group *const *groups, unsigned count, const struct figure *figure,
	       FILE *page)
{
	char title[128];
	unsigned shown = 0;
	double least;
	bool logarithmic = is_logarithmic(groups, count, figure, &least);
	FILE *script;

	snprintf(title, sizeof(title), "%s%s%s%s", figure->words, *figure->unit ? ", " : "",
		 figure->unit, logarithmic ? " (logarithmic)" : "");
	script = begin(title, HEIGHT);
	if (!script)
		return;
	if (logarithmic)
		fprintf(script, "set logscale y\nset yrange [%g:*]\n", least * figure->scale / 2);
	else
		fputs("set yrange [0:*]\n", script);
	fputs("set style fill solid 0.85 noborder\nset boxwidth 0.65\n"
	      "set xtics noenhanced rotate by -30\nunset key\n$data << EOD\n",
	      script);
	for (unsigned i = 0; i < count; i++) {
		struct stats stats = summary_stats(groups[i], figure->name);

		if (!stats.n)
			continue;
		fprintf(script, "%u %g %g %g 0x%s \"", shown++, stats.median * figure->scale,
			stats.low * figure->scale, stats.high * figure->scale, colour(i) + 1);
		name_group(groups[i], script);
		fputs("\"\n", script);
	}
	fprintf(script,
		"EOD\nset xrange [-0.6:%g]\n"
		"plot $data using 1:2:5:xticlabels(6) with boxes linecolor rgb variable, "
		"$data using 1:3:(0):($4-$3) with vectors nohead linecolor 'gray' linewidth 1.5\n",
		shown - 0.4);
	if (shown)
		finish(script, page);
	else
		fclose(script);
}

static void write_events(const json_t *record, FILE *script)
{
	const json_t *event;
	size_t i;

	json_array_foreach(json_object_get(record, "events"), i, event)
	{
		double at = json_number_value(json_object_get(event, "at"));
		const char *what = json_string_value(json_object_get(event, "what"));
		const char *link = json_string_value(json_object_get(event, "link"));

		if (!what || !link)
			continue;
		fprintf(script,
			"set arrow from %g, graph 0 to %g, graph 1 nohead dashtype 2 linecolor "
			"'gray'\n"
			"set label \"",
			at, at);
		put(link, script);
		fputc(' ', script);
		put(what, script);
		fprintf(script, "\" at %g, graph %g offset 0.3,0 noenhanced font ',10'\n", at,
			i % 2 ? 0.88 : 0.95);
	}
}

/* Of its first repetition: events and what follows them are at other times in others. */
static void write_rates(const struct group *group, FILE *script)
{
	const json_t *record = group->records[0];
	const json_t *down = json_object_get(record, "rate_down");
	const json_t *up = json_object_get(record, "rate_up");
	size_t bins = json_array_size(down) > json_array_size(up) ? json_array_size(down)
								  : json_array_size(up);

	for (size_t i = 0; i < bins; i++)
		fprintf(script, "%g %g\n", 0.1 * (double)i,
			(json_number_value(json_array_get(down, i)) +
			 json_number_value(json_array_get(up, i))) *
				8 / 0.1 / 1e6);
}

/* A line for each group, through the points that @write_points says of it. */
static void write_lines(const struct group *const *groups, unsigned count,
			void (*write_points)(const struct group *group, FILE *script), FILE *script)
{
	for (unsigned i = 0; i < count; i++) {
		fprintf(script, "$g%u << EOD\n", i);
		write_points(groups[i], script);
		fputs("EOD\n", script);
	}
	fputs("plot", script);
	for (unsigned i = 0; i < count; i++) {
		fprintf(script, "%s $g%u with lines linewidth 1.6 linecolor rgb '%s' title \"",
			i ? "," : "", i, colour(i));
		name_group(groups[i], script);
		fputs("\"", script);
	}
	fputs("\n", script);
}

void plot_rates(const struct group *const *groups, unsigned count, FILE *page)
{
	FILE *script = count ? begin("goodput over time, Mbit/s", HEIGHT + KEY) : NULL;

	if (!script)
		return;
	fputs("set xlabel 'seconds'\nset yrange [0:*]\nset key below noenhanced\n", script);
	write_events(groups[0]->records[0], script);
	write_lines(groups, count, write_rates, script);
	finish(script, page);
}

static void write_delays(const struct group *group, FILE *script)
{
	/* Quantiles of the repetitions are averaged: each had as many messages. */
	const json_t *first = json_object_get(group->records[0], "delays_ms");
	size_t steps = json_array_size(first);

	for (size_t i = 0; i < steps; i++) {
		double sum = 0;

		for (unsigned j = 0; j < group->count; j++)
			sum += json_number_value(
				json_array_get(json_object_get(group->records[j], "delays_ms"), i));
		fprintf(script, "%g %g\n", sum / group->count, (double)i / (double)(steps - 1));
	}
}

void plot_delays(const struct group *const *groups, unsigned count, FILE *page)
{
	FILE *script = NULL;

	for (unsigned i = 0; i < count; i++)
		if (json_array_size(json_object_get(groups[i]->records[0], "delays_ms")) < 2)
			return;
	script = count ? begin("share of delays below", HEIGHT + KEY) : NULL;
	if (!script)
		return;
	fputs("set xlabel 'ms'\nset logscale x\nset yrange [0:1]\nset key below noenhanced\n",
	      script);
	write_lines(groups, count, write_delays, script);
	finish(script, page);
}
