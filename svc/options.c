/* SPDX-License-Identifier: Apache-2.0 */
/* Checks before argp, and the parsing of values. */
#include "options.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "heap/gc.h"

void option_refuse(const struct option_table *table, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	fprintf(stderr, "%s: ", table->program);
	vfprintf(stderr, format, arguments);
	fputc('\n', stderr);
	va_end(arguments);
	exit(2);
}

static bool is_name(const struct argp_option *option, const char *name, size_t length)
{
	if (option->name && strlen(option->name) == length && !memcmp(option->name, name, length))
		return true;
	return length == 1 && option->key == name[0];
}

static const struct argp_option *find_option(const struct option_table *table, const char *name, size_t length)
{
	for (const struct argp_option *option = table->options; option->name || option->key; option++)
		if (is_name(option, name, length))
			return option;
	return NULL;
}

static bool built_in(const char *name, size_t length)
{
	static const char *const names[] = {"help", "usage", "version", "?", "V"};
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strlen(names[i]) == length && !memcmp(names[i], name, length))
			return true;
	return false;
}

/* "-pool=on" becomes "--pool=on", in memory that is kept. */
static void give_two_dashes(const struct option_table *table, char **argument)
{
	char *longer = malloc(strlen(*argument) + 2);
	if (!longer)
		option_refuse(table, "no memory; free some");
	sprintf(longer, "-%s", *argument);
	*argument = longer;
}

/* Checks one argument; returns how many arguments it takes. */
static int check_one(const struct option_table *table, char **argument, bool last)
{
	const char *text = *argument;
	if (text[0] != '-' || !text[1])
		option_refuse(table, "unexpected argument '%s'; see %s --help", text, table->program);
	bool single = text[1] != '-';
	const char *name = text + (single ? 1 : 2);
	size_t length = strcspn(name, "=");
	if (single && length > 1)
		give_two_dashes(table, argument);
	if (built_in(name, length))
		return 1;
	const struct argp_option *option = find_option(table, name, length);
	if (!option)
		option_refuse(table, "unknown option '%s'; see %s --help", text, table->program);
	if (!option->arg && name[length])
		option_refuse(table, "option %s takes no value; see %s --help", text, table->program);
	if (option->arg && !name[length] && last)
		option_refuse(table, "option %s needs a value (%s); see %s --help", text, option->arg, table->program);
	return option->arg && !name[length] ? 2 : 1;
}

void option_check(const struct option_table *table, int argc, char **argv)
{
	for (int i = 1; i < argc;)
		i += check_one(table, &argv[i], i + 1 == argc);
}

uint64_t option_number(const struct option_table *table, const char *option, const char *text, uint64_t least,
		       uint64_t most)
{
	char *end;
	errno = 0;
	unsigned long long value = strtoull(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end || errno || value < least || value > most)
		option_refuse(table, "--%s=%s is not a number from %llu to %llu", option, text,
			      (unsigned long long)least, (unsigned long long)most);
	return value;
}

uint64_t option_bytes(const struct option_table *table, const char *option, const char *text)
{
	uint64_t bytes;
	if (gc_parse_bytes(text, &bytes))
		option_refuse(table, "--%s=%s is not a size; write it as 64MiB or 2GiB", option, text);
	return bytes;
}

unsigned option_choice(const struct option_table *table, const char *option, const char *text, const char *const *names,
		       unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (!strcmp(names[i], text))
			return i;
	char list[128] = "";
	size_t length = 0;
	for (unsigned i = 0; i < count && length < sizeof(list); i++)
		length += (size_t)snprintf(list + length, sizeof(list) - length, "%s%s", i ? ", " : "", names[i]);
	option_refuse(table, "--%s=%s is not supported; choose one of: %s", option, text, list);
}
