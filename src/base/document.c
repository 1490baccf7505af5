/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts that work on libyaml alone: reading, the first pass, and finding lines. */
#include "base/document.h"

#include "base/cleanup.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>
#include <yaml.h>

#define MESSAGE_MAX 600
#define DEPTH_MAX   16 /* collections inside each other; no schema here needs half of it */

int document_read(const char *path, char **ret_text, size_t *ret_size, struct err *err)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	_cleanup_free_ char *text = malloc(DOCUMENT_SIZE_MAX + 1);
	size_t used = 0;

	if (fd < 0)
		return err_set(err, -errno, "%s: %s", path, strerror(errno));
	if (!text)
		return err_set(err, -ENOMEM, "%s: no memory to read it", path);
	while (used <= DOCUMENT_SIZE_MAX) {
		ssize_t got = read(fd, text + used, DOCUMENT_SIZE_MAX + 1 - used);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_set(err, -errno, "%s: %s", path, strerror(errno));
		if (got == 0) {
			*ret_text = steal_ptr(text);
			*ret_size = used;
			return 0;
		}
		used += (size_t)got;
	}
	return err_set(err, -E2BIG, "%s: larger than %zu KiB", path, DOCUMENT_SIZE_MAX / 1024);
}

static int complain(const struct document *document, size_t line, const char *message,
		    struct err *err)
{
	int code = err_set(err, -EINVAL, "%.400s:%zu: %s", document->path, line, message);

	for (char *c = err ? err->text : NULL; c && *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';
	return code;
}

int document_error(const struct document *document, const char *place, const char *member,
		   struct err *err, const char *fmt, ...)
{
	char message[MESSAGE_MAX];
	va_list args;

	va_start(args, fmt);
	vsnprintf(message, sizeof(message), fmt, args);
	va_end(args);
	return complain(document, document_line(document, place, member), message, err);
}

static int __attribute__((format(printf, 4, 5)))
error_at(const struct document *document, size_t line, struct err *err, const char *fmt, ...)
{
	char message[MESSAGE_MAX];
	va_list args;

	va_start(args, fmt);
	vsnprintf(message, sizeof(message), fmt, args);
	va_end(args);
	return complain(document, line + 1, message, err);
}

/* The first pass. */

struct walk {
	bool mapping[DEPTH_MAX]; /* is the collection at this depth a mapping, */
	bool key[DEPTH_MAX];     /* and is a key due next */
	unsigned depth, documents;
};

/* A byte that is no text at all has an offset, but no line. */
static size_t problem_line(const struct document *document, const yaml_parser_t *parser)
{
	size_t line = 0;

	if (parser->error != YAML_READER_ERROR)
		return parser->problem_mark.line;
	for (size_t i = 0; i < parser->problem_offset && i < document->size; i++)
		line += document->text[i] == '\n';
	return line;
}

static int check_syntax(const struct document *document, const yaml_parser_t *parser,
			struct err *err)
{
	if (parser->error == YAML_MEMORY_ERROR)
		return error_at(document, 0, err, "no memory to read it");
	return error_at(document, problem_line(document, parser), err, "not YAML: %s%s%s",
			parser->context ? parser->context : "", parser->context ? ", " : "",
			parser->problem ? parser->problem : "it cannot be parsed");
}

/* A scalar, sequence or mapping begins where the walk has come to. */
static int check_node(const struct document *document, struct walk *walk, const yaml_event_t *event,
		      const yaml_char_t *anchor, struct err *err)
{
	size_t line = event->start_mark.line;
	unsigned top = walk->depth - 1;

	if (anchor)
		return error_at(document, line, err, "anchors (&%.60s) are not taken",
				(const char *)anchor);
	if (walk->depth && walk->mapping[top]) {
		if (walk->key[top] && event->type != YAML_SCALAR_EVENT)
			return error_at(document, line, err, "a key must be a word");
		walk->key[top] = !walk->key[top];
	}
	if (event->type == YAML_SCALAR_EVENT) {
		if (memchr(event->data.scalar.value, '\0', event->data.scalar.length))
			return error_at(document, line, err, "text with a zero byte");
		return 0;
	}
	if (walk->depth == DEPTH_MAX)
		return error_at(document, line, err, "nested more than %d deep", DEPTH_MAX);
	walk->mapping[walk->depth] = event->type == YAML_MAPPING_START_EVENT;
	walk->key[walk->depth] = true;
	walk->depth++;
	return 0;
}

static int check_event(const struct document *document, struct walk *walk,
		       const yaml_event_t *event, struct err *err)
{
	switch (event->type) {
	case YAML_DOCUMENT_START_EVENT:
		if (walk->documents++)
			return error_at(document, event->start_mark.line, err,
					"a second document begins: one file holds one");
		return 0;
	case YAML_ALIAS_EVENT:
		return error_at(document, event->start_mark.line, err,
				"aliases (*%.60s) are not taken",
				(const char *)event->data.alias.anchor);
	case YAML_SCALAR_EVENT:
		return check_node(document, walk, event, event->data.scalar.anchor, err);
	case YAML_SEQUENCE_START_EVENT:
		return check_node(document, walk, event, event->data.sequence_start.anchor, err);
	case YAML_MAPPING_START_EVENT:
		return check_node(document, walk, event, event->data.mapping_start.anchor, err);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		walk->depth--;
		return 0;
	default:
		return 0;
	}
}

int document_check(const struct document *document, struct err *err)
{
	struct walk walk = {0};
	yaml_parser_t parser;
	bool end = false;
	int code = 0;

	if (document->size > DOCUMENT_SIZE_MAX)
		return err_set(err, -E2BIG, "%s: larger than %zu KiB", document->path,
			       DOCUMENT_SIZE_MAX / 1024);
	if (!yaml_parser_initialize(&parser))
		return err_set(err, -ENOMEM, "%s: no memory to read it", document->path);
	yaml_parser_set_input_string(&parser, (const unsigned char *)document->text,
				     document->size);
	while (code >= 0 && !end) {
		yaml_event_t event;

		if (!yaml_parser_parse(&parser, &event)) {
			code = check_syntax(document, &parser, err);
			break;
		}
		code = check_event(document, &walk, &event, err);
		end = event.type == YAML_STREAM_END_EVENT;
		yaml_event_delete(&event);
	}
	yaml_parser_delete(&parser);
	return code;
}

/* Lines. */

/* Where a step of a place leads; for a member of a mapping, its key carries the line. */
struct step {
	yaml_node_t *node, *key;
};

static struct step find_member(yaml_document_t *tree, yaml_node_t *node, const char *key,
			       size_t length)
{
	yaml_node_pair_t *pair = NULL;
	struct step found = {0};

	if (node->type != YAML_MAPPING_NODE)
		return found;
	/* The last of several: the one that should not be there. */
	for (pair = node->data.mapping.pairs.start; pair < node->data.mapping.pairs.top; pair++) {
		yaml_node_t *name = yaml_document_get_node(tree, pair->key);

		if (name && name->type == YAML_SCALAR_NODE && name->data.scalar.length == length &&
		    memcmp(name->data.scalar.value, key, length) == 0)
			found = (struct step){yaml_document_get_node(tree, pair->value), name};
	}
	return found;
}

static yaml_node_t *find_item(yaml_document_t *tree, yaml_node_t *node, unsigned long index)
{
	yaml_node_item_t *first = node->data.sequence.items.start;

	if (node->type != YAML_SEQUENCE_NODE ||
	    index >= (size_t)(node->data.sequence.items.top - first))
		return NULL;
	return yaml_document_get_node(tree, first[index]);
}

static unsigned line_in(yaml_document_t *tree, const char *place, const char *member)
{
	yaml_node_t *node = yaml_document_get_root_node(tree);
	size_t line;

	if (!node)
		return 1;
	line = node->start_mark.line;
	for (const char *at = place ? place : ""; *at;) {
		struct step step = {0};

		if (*at == '[') {
			char *end;

			step.node = find_item(tree, node, strtoul(at + 1, &end, 10));
			step.key = step.node;
			at = *end ? end + 1 : end;
		} else {
			size_t length;

			at += *at == '.';
			length = strcspn(at, ".[");
			step = find_member(tree, node, at, length);
			at += length;
		}
		if (!step.node)
			return (unsigned)line + 1;
		node = step.node;
		line = step.key->start_mark.line;
	}
	if (member) {
		struct step step = find_member(tree, node, member, strlen(member));

		if (step.key)
			line = step.key->start_mark.line;
	}
	return (unsigned)line + 1;
}

unsigned document_line(const struct document *document, const char *place, const char *member)
{
	yaml_parser_t parser;
	yaml_document_t tree;
	unsigned line = 1;

	if (!yaml_parser_initialize(&parser))
		return line;
	yaml_parser_set_input_string(&parser, (const unsigned char *)document->text,
				     document->size);
	if (yaml_parser_load(&parser, &tree)) {
		line = line_in(&tree, place, member);
		yaml_document_delete(&tree);
	}
	yaml_parser_delete(&parser);
	return line;
}
