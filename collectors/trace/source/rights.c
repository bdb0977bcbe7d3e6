/* SPDX-License-Identifier: Apache-2.0 */
#include "rights.h"

#include <cap-ng.h>
#include <errno.h>
#include <stdio.h>
#include <sys/prctl.h>

static const struct {
	unsigned int capability;
	const char *name;
} wanted[] = {
	{CAP_BPF, "CAP_BPF"},
	{CAP_PERFMON, "CAP_PERFMON"},
	{CAP_SYS_PTRACE, "CAP_SYS_PTRACE"},                 /* to look into another user's process */
	{CAP_CHECKPOINT_RESTORE, "CAP_CHECKPOINT_RESTORE"}, /* to open the very files it has mapped */
};

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

/* CAP_SYS_ADMIN stands for all of them but CAP_SYS_PTRACE. */
static bool missing(unsigned int capability)
{
	return !have(capability) && (capability == CAP_SYS_PTRACE || !have(CAP_SYS_ADMIN));
}

void rights_missing(char *text, size_t size)
{
	size_t at = 0;
	text[0] = 0;
	for (size_t w = 0; w < sizeof(wanted) / sizeof(wanted[0]) && at < size; w++)
		if (missing(wanted[w].capability))
			at += (size_t)snprintf(text + at, size - at, "%s%s", at ? " " : "", wanted[w].name);
}

int rights_keep_to_load(void)
{
	bool held[sizeof(wanted) / sizeof(wanted[0])], admin = have(CAP_SYS_ADMIN);
	for (size_t w = 0; w < sizeof(wanted) / sizeof(wanted[0]); w++)
		held[w] = have(wanted[w].capability);
	capng_clear(CAPNG_SELECT_CAPS);
	for (size_t w = 0; w < sizeof(wanted) / sizeof(wanted[0]); w++)
		if (held[w])
			capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, wanted[w].capability);
	if (admin && !held[0])
		capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, CAP_SYS_ADMIN);
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
