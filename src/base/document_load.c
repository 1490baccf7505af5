/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The second pass: libcyaml, and its complaints in words.
 *
 * libcyaml says what was wrong by an error code and by a log: one line on the matter, then a
 * backtrace, innermost first, that counts sequence entries from 1:
 *
 *   Load: Invalid ENUM value: yep
 *   Load: Backtrace:
 *     in mapping field 'forward' (line: 3, column: 23)
 *     in sequence entry '1' (line: 3, column: 10)
 *     in mapping field 'hosts' (line: 3, column: 9)
 *
 * The log is kept and turned into the place (for the line) and the schema there (for what was
 * expected). The backtrace's own line is not used: it is that of the member before a wrong key.
 */
#include "base/document.h"

#include "base/cleanup.h"

#include <stdbool.h>
#include <string.h>

#define FRAMES_MAX 16

struct frame {
	char key[48];   /* a member of a mapping; "": none of it has been read */
	unsigned entry; /* of a sequence, from 1; 0: it is a mapping */
};

struct complaint {
	char matter[256];
	struct frame frames[FRAMES_MAX]; /* innermost first */
	unsigned count;
};

static void keep(cyaml_log_t level, void *context, const char *fmt, va_list args)
{
	struct complaint *complaint = context;
	struct frame frame = {0};
	char text[256], entry[12] = "0";

	if (level < CYAML_LOG_ERROR)
		return;
	vsnprintf(text, sizeof(text), fmt, args);
	if (sscanf(text, "  in mapping field '%47[^']'", frame.key) == 1 ||
	    sscanf(text, "  in sequence entry '%11[0-9]", entry) == 1 ||
	    strncmp(text, "  in mapping (", 14) == 0) {
		frame.entry = (unsigned)strtoul(entry, NULL, 10);
		if (complaint->count < FRAMES_MAX)
			complaint->frames[complaint->count++] = frame;
	} else if (!complaint->matter[0]) {
		text[strcspn(text, "\n")] = '\0';
		snprintf(complaint->matter, sizeof(complaint->matter), "%s", text);
	}
}

/* When a mapping or sequence itself is at fault, its frame names what was read of it last: nothing
 * to follow. */
static void drop_innermost(struct complaint *complaint)
{
	if (complaint->count == 0)
		return;
	complaint->count--;
	memmove(complaint->frames, complaint->frames + 1,
		complaint->count * sizeof(*complaint->frames));
}

static const cyaml_schema_value_t *descend(const cyaml_schema_value_t *schema,
					   const struct frame *frame)
{
	if (frame->entry)
		return schema->type == CYAML_SEQUENCE || schema->type == CYAML_SEQUENCE_FIXED
			       ? schema->sequence.entry
			       : NULL;
	if (schema->type != CYAML_MAPPING)
		return NULL;
	for (const cyaml_schema_field_t *field = schema->mapping.fields; field->key; field++)
		if (strcmp(field->key, frame->key) == 0)
			return &field->value;
	return NULL;
}

/* Follows the backtrace: writes the place, and returns the schema there. */
static const cyaml_schema_value_t *follow(const struct complaint *complaint,
					  const cyaml_schema_value_t *schema, size_t room,
					  char *place)
{
	size_t used = 0;

	place[0] = '\0';
	for (unsigned i = complaint->count; schema && used < room && i-- > 0;) {
		const struct frame *frame = &complaint->frames[i];

		if (frame->entry)
			used += (size_t)snprintf(place + used, room - used, "[%u]",
						 frame->entry - 1);
		else
			used += (size_t)snprintf(place + used, room - used, "%s%s", used ? "." : "",
						 frame->key);
		schema = descend(schema, frame);
	}
	return schema;
}

/* The words that may stand at @schema: keys of a mapping, values of an enumeration. */
static void list_words(const cyaml_schema_value_t *schema, size_t room, char *list)
{
	size_t used = 0;

	list[0] = '\0';
	if (schema->type == CYAML_MAPPING)
		for (const cyaml_schema_field_t *field = schema->mapping.fields;
		     field->key && used < room; field++)
			used += (size_t)snprintf(list + used, room - used, "%s%s", used ? ", " : "",
						 field->key);
	if (schema->type == CYAML_ENUM)
		for (unsigned i = 0; i < schema->enumeration.count && used < room; i++)
			used += (size_t)snprintf(list + used, room - used, "%s%s", used ? ", " : "",
						 schema->enumeration.strings[i].str);
}

static const char *wanted(const cyaml_schema_value_t *schema)
{
	switch (schema->type) {
	case CYAML_MAPPING:
		return "a mapping, '{key: value}' or indented lines 'key: value'";
	case CYAML_SEQUENCE:
	case CYAML_SEQUENCE_FIXED:
		return "a list, '[a, b]' or lines that begin with '- '";
	default:
		return "a single value";
	}
}

static int explain(const struct document *document, const cyaml_schema_value_t *root,
		   cyaml_err_t cause, struct complaint *complaint, struct err *err)
{
	const char *colon = strstr(complaint->matter, ": ");
	const char *second = colon ? strstr(colon + 2, ": ") : NULL;
	const char *value = second ? second + 2 : "";
	const cyaml_schema_value_t *schema;
	char place[256], words[256], name[80] = "the file";
	bool fixed;

	if (cause == CYAML_ERR_MAPPING_FIELD_MISSING || cause == CYAML_ERR_INVALID_KEY ||
	    cause == CYAML_ERR_SEQUENCE_ENTRIES_MIN || cause == CYAML_ERR_SEQUENCE_ENTRIES_MAX)
		drop_innermost(complaint);
	schema = follow(complaint, root, sizeof(place), place);
	if (!schema)
		return document_error(document, NULL, NULL, err, "%s", complaint->matter);
	fixed = schema->type == CYAML_SEQUENCE_FIXED;
	list_words(schema, sizeof(words), words);
	for (unsigned i = complaint->count; i-- > 0;)
		if (complaint->frames[i].key[0])
			snprintf(name, sizeof(name), "%s'%s'",
				 complaint->frames[0].entry ? "an entry of " : "",
				 complaint->frames[i].key);

#define SAY(member, ...) document_error(document, place, member, err, __VA_ARGS__)
	switch (cause) {
	case CYAML_ERR_INVALID_KEY:
		return SAY(value, "unknown key '%.60s' (expected %s)", value, words);
	case CYAML_ERR_MAPPING_FIELD_MISSING:
		return SAY(NULL, "'%.60s' is missing here (there can be %s)", value, words);
	case CYAML_ERR_STRING_LENGTH_MIN:
		return SAY(NULL, "%s is empty", name);
	case CYAML_ERR_STRING_LENGTH_MAX:
		return SAY(NULL, "'%.20s...' is too long (expected at most %u characters)", value,
			   schema->string.max);
	case CYAML_ERR_SEQUENCE_ENTRIES_MIN:
		return SAY(NULL, "%s has too few entries (expected %s%u)", name,
			   fixed ? "" : "at least ", schema->sequence.min);
	case CYAML_ERR_SEQUENCE_ENTRIES_MAX:
		return SAY(NULL, "%s has too many entries (expected %s%u)", name,
			   fixed ? "" : "at most ", schema->sequence.max);
	case CYAML_ERR_INVALID_VALUE:
		if (strstr(complaint->matter, "Expecting "))
			return SAY(NULL, "%s holds the wrong sort of thing (expected %s)", name,
				   wanted(schema));
		if (schema->type == CYAML_UINT)
			return SAY(NULL, "%s is a whole number from 0 to %llu, not %.60s", name,
				   ~0ULL >> (64 - 8 * schema->data_size), value);
		return SAY(NULL, "'%.60s' is not known here (expected %s)", value, words);
	case CYAML_ERR_UNEXPECTED_EVENT:
		if (strstr(complaint->matter, "already seen"))
			return SAY(NULL, "'%.60s' is given twice", value);
		break;
	default:
		break;
	}
	return SAY(NULL, "%s", complaint->matter[0] ? complaint->matter : cyaml_strerror(cause));
#undef SAY
}

int document_load(const struct document *document, const cyaml_schema_value_t *schema, void **ret,
		  struct err *err)
{
	struct complaint complaint = {0};
	const cyaml_config_t config = {
		.log_fn = keep,
		.log_ctx = &complaint,
		.log_level = CYAML_LOG_ERROR,
		.mem_fn = cyaml_mem,
		.flags = CYAML_CFG_NO_ALIAS,
	};
	char words[256];
	void *loaded = NULL;
	cyaml_err_t cause;
	int code = document_check(document, err);

	if (code < 0)
		return code;
	cause = cyaml_load_data((const uint8_t *)document->text, document->size, &config, schema,
				&loaded, NULL);
	if (cause == CYAML_ERR_OOM)
		return err_set(err, -ENOMEM, "%s: no memory to read it", document->path);
	if (cause != CYAML_OK)
		return explain(document, schema, cause, &complaint, err);
	if (!loaded) {
		list_words(schema, sizeof(words), words);
		return document_error(document, NULL, NULL, err,
				      "there is nothing in it (expected %s)", words);
	}
	*ret = loaded;
	return 0;
}

void document_free(const cyaml_schema_value_t *schema, void *loaded)
{
	const cyaml_config_t config = {.mem_fn = cyaml_mem};

	if (loaded)
		cyaml_free(&config, schema, loaded, 0);
}
