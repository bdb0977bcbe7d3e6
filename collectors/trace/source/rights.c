/* SPDX-License-Identifier: Apache-2.0 */
#include "rights.h"

#include <cap-ng.h>
#include <errno.h>
#include <stdio.h>
#include <sys/prctl.h>

/* Each with one that includes it. */
static const struct {
	unsigned int capability, greater;
	const char *name;
} wanted[] = {
	{CAP_BPF, CAP_SYS_ADMIN, "CAP_BPF"},
	{CAP_PERFMON, CAP_SYS_ADMIN, "CAP_PERFMON"},
	{CAP_SYS_PTRACE, CAP_SYS_PTRACE, "CAP_SYS_PTRACE"},             /* to look into a process with other rights */
	{CAP_DAC_READ_SEARCH, CAP_DAC_OVERRIDE, "CAP_DAC_READ_SEARCH"}, /* whose memory is a file of its user */
};
#define WANTED (sizeof(wanted) / sizeof(wanted[0]))

static bool have(unsigned int capability)
{
	if (capng_get_caps_process())
		return false;
	return capng_have_capability(CAPNG_EFFECTIVE, capability);
}

bool rights_to_load(void)
{
	return have(CAP_SYS_ADMIN) || (have(CAP_BPF) && have(CAP_PERFMON));
}

static bool missing(size_t w)
{
	return !have(wanted[w].capability) && !have(wanted[w].greater);
}

void rights_missing(char *text, size_t size)
{
	size_t at = 0;
	text[0] = 0;
	for (size_t w = 0; w < WANTED && at < size; w++)
		if (missing(w))
			at += (size_t)snprintf(text + at, size - at, "%s%s", at ? " " : "", wanted[w].name);
}

int rights_keep_to_load(void)
{
	/* Not wanted, but of use: it opens libraries that were replaced or deleted since the process mapped them. */
	unsigned int keep[WANTED + 1] = {CAP_CHECKPOINT_RESTORE};
	size_t count = have(CAP_CHECKPOINT_RESTORE);
	for (size_t w = 0; w < WANTED; w++)
		if (!missing(w))
			keep[count++] = have(wanted[w].capability) ? wanted[w].capability : wanted[w].greater;
	capng_clear(CAPNG_SELECT_CAPS);
	for (size_t k = 0; k < count; k++)
		capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, keep[k]);
	return capng_apply(CAPNG_SELECT_CAPS) ? -EPERM : 0;
}

int rights_drop(void)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -errno;
	if (capng_get_caps_process())
		return -EPERM;
	/* The bounding set can be lowered only with CAP_SETPCAP. */
	capng_select_t what = capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP)
				      ? CAPNG_SELECT_ALL
				      : CAPNG_SELECT_CAPS | CAPNG_SELECT_AMBIENT;
	capng_clear(what);
	return capng_apply(what) ? -EPERM : 0;
}
