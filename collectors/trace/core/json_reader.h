/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Just enough JSON reading for the one document we take from a target, its run information: is it
 * valid, and what is one member. No tree, no allocation, bounded depth. Pure; any thread.
 */
#ifndef MEMLAB_TRACE_JSON_READER_H
#define MEMLAB_TRACE_JSON_READER_H

#include <stddef.h>

/* 1: `text` is one JSON object and nothing but white space around it. */
int json_is_object(const char *text);

/*
 * The member `key` of the object `text`: a string's characters (escapes kept as they stand), or the
 * text of another scalar. 0, -ENOENT when absent, an object or an array, -EINVAL when `text` is no object, -ENOSPC.
 */
int json_member(const char *text, const char *key, char *out, size_t size);

#endif
