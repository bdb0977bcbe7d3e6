/* SPDX-License-Identifier: Apache-2.0 */
#include "error.h"

#include <stdarg.h>
#include <stdio.h>

int source_error_set(struct source_error *error, int status, int result, const char *format, ...)
{
	if (!error)
		return result;
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(error->text, sizeof(error->text), format, arguments);
	va_end(arguments);
	error->status = status;
	return result;
}
