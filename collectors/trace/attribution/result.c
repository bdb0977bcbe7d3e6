/* SPDX-License-Identifier: Apache-2.0 */
/* Names of causes, as contract 3 lists them. Pure. */
#include "result.h"

const char *cause_name(enum cause cause)
{
	static const char *const names[CAUSE_COUNT] = {
#define CAUSE_NAME(id, name, doc) [CAUSE_##id] = #name,
		CAUSE_LIST(CAUSE_NAME)
#undef CAUSE_NAME
	};

	return (unsigned)cause < CAUSE_COUNT ? names[cause] : "";
}
